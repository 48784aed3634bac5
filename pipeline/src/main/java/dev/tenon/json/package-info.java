/** Small helpers around JSON trees, which Tenon writes and reads by hand: the files' form does not depend on a library's defaults. */
package dev.tenon.json;
