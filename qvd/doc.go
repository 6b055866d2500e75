// Package qvd reads and writes QVD files: one table each, with a symbol table
// for every field and bit-packed records that point into them.
//
//	+----------------------------+ 0
//	| XML header (UTF-8)         |
//	| "</QvdTableHeader>" CR LF  |
//	| 0x00                       |
//	+----------------------------+ B   "body": offsets in the header count from here
//	| symbol table of field 0    |     NoOfSymbols entries: a type byte, then
//	| symbol table of field 1    |       1  int32
//	| ...                        |       2  float64
//	|                            |       4  text, 0x00
//	|                            |       5  int32, text, 0x00
//	|                            |       6  float64, text, 0x00
//	+----------------------------+ B + Offset
//	| records                    |     NoOfRecords times RecordByteSize bytes
//	+----------------------------+ B + Offset + Length
//
// Numbers are little-endian. A record is one little-endian integer; a field is
// its bits BitOffset to BitOffset+BitWidth, the stored number. Stored number
// plus Bias is the index of a symbol, or NULL if it is negative; writers use
// Bias -2 and the stored number 0 for NULL, 1 for nothing.
//
// Files come from strangers: whatever a header says, memory stays a small
// multiple of the bytes that are there, every number is checked before it is
// used, and errors are a [FormatError] that names the place. Files are read by
// blocks, not mapped: a file that shrinks while it is read gives an error, where
// a mapping would end the process.
package qvd
