// Package container reads and writes the file system inside a .qvf file.
//
// All numbers are little-endian. A file is a row of 512-byte pages:
//
//	page 0      FF FF 01 00, u32 1729, u32 0, u32 512, u32 1, zeros up to
//	            0x40  u64 offset, u64 512    descriptor of the root directory
//	            0x50  two root records of ours (see record.go), zeros in foreign files
//	descriptor  +0x00 u64 length, u64 allocated, 16 bytes
//	            +0x20 one extent, indirect, that names +0x30 to +0x200
//	            +0x30 extents
//	extent      u64 offset, u64 size; size 0 ends the list; bit 63 of size:
//	            the bytes are a list of further extents
//	directory   a stream of 64-byte cells (see cells.go)
//
// A stream is what its data extents hold, one after the other, cut at length.
// Pages that the root does not reach are stale and mean nothing.
//
// Files of ours have three additions, which other readers do not notice: every
// stream is one extent, so that it can be mapped into memory as it lies; the
// root records make an update in place atomic; and the attributes of entries
// hold checksums of the content.
//
// The layout was worked out from public files; see ../FORMAT.md.
package container

// Sizes of the layout, in bytes.
const (
	pageBytes   = 512
	cellBytes   = 64
	extentBytes = 16

	rootAt     = 0x40 // of page 0
	recordsAt  = 0x50 // of page 0
	listInDesc = 0x30 // the extents inside a descriptor
)

// Limits on nesting; real files have one level of either.
const (
	listDepthMax = 8
	dirDepthMax  = 32
)
