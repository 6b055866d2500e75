package qvf

// Data of our own files: two catalogs at rest (storage/atrest.go), the data of
// the app and, where there is one, its access section.
//
//	/cognate/data/catalog      directory
//	/cognate/data/field_<i>    symbols of field i
//	/cognate/data/column_<t>_<c>
//	/cognate/access/…          the same of the access section
//	/cognate/sealed            list of the sealed streams, in an encrypted app
//
// Every stream is one extent, begins at a multiple of 4096 bytes where it is
// large, and has its checksum as an attribute. Attributes say what is between
// the bytes in the file and the stream:
//
//	CognateVersion   1
//	CognateEncoding  zstd or s2 (their stream formats); none: as it is
//	CognateBytes     length when decoded
//	CognateSealed    true: what the encoding made is sealed (storage/crypt), as
//	                 an object of kind "data" or "access" and the stream's name.
//	                 Bookmarks are sealed, too, as kind "document" and their path
//
// A stream takes at least 1/256 of the bytes that it decodes to, save 64 KiB:
// that is the evidence on which a reader takes memory.
const (
	ownVersion = 1

	ownFolder       = "/cognate/"
	dataSection     = "data"
	accessSection   = "access"
	documentSection = "document" // kind of sealed streams that are not data: bookmarks
	directoryName   = "catalog"
	sealedList      = "/cognate/sealed"

	attrEncoding = "CognateEncoding"
	attrBytes    = "CognateBytes"
	attrSealed   = "CognateSealed"

	typeOwn = "CognateData"

	packMax  = 256
	packFree = 64 << 10
)

func ownPath(section, stream string) string { return ownFolder + section + "/" + stream }

// provable reports whether stored bytes are evidence enough for decoded ones.
func provable(stored, decoded int64) bool {
	return decoded >= 0 && stored >= 0 && (decoded <= packFree || (decoded-packFree)/packMax <= stored)
}
