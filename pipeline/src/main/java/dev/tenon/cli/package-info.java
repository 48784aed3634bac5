/** The command {@code tenon}: {@link dev.tenon.cli.Tenon} and a class for each subcommand. {@code docs/commands.md} describes them. */
package dev.tenon.cli;
