/** Looking into models: what is in a source, and what would become of it. */
package dev.tenon.debug;
