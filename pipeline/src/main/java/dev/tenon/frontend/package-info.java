/**
 * Where models come from: files, and entries of Maven artifacts in the local repository. What comes out is a
 * {@link dev.tenon.ir.Model} whose values remember their names in the source.
 */
package dev.tenon.frontend;
