package dev.tenon.frontend.archive;

/**
 * A file in an archive, checked: its bytes lie within the archive and overlap no other's.
 *
 * @param name as the archive has it, its root folder included
 * @param headerOffset where its local header begins
 * @param dataOffset where its bytes begin
 * @param compressedSize the bytes it takes
 * @param size the bytes that come out
 * @param deflated whether they are compressed
 */
record ArchiveEntry(String name, long headerOffset, long dataOffset, long compressedSize, long size, boolean deflated) {}
