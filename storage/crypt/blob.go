package crypt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// A blob is any object but a QVD:
//
//	8 bytes  "OAENV1\r\n"
//	u32 LE   L, at most 256 KiB
//	L bytes  JSON {"core":…,"rcp":[…],"mac":…,"type":kind,"name":name}
//	rest     the chunks
//
// Its clear part is magic || kind || 0x00 || name, so that no blob can stand
// in for another one.
const blobMagic = "OAENV1\r\n"

const blobFixedLen = len(blobMagic) + 4

// blobHead is the JSON of a blob's head; the order of members is the one of
// the description above.
type blobHead struct {
	Params
	Kind string `json:"type"`
	Name string `json:"name"`
}

func (h *blobHead) members() map[string]any {
	m := h.Params.members()
	m["type"], m["name"] = &h.Kind, &h.Name
	return m
}

// blobClear returns the clear part.
func blobClear(kind, name string) []byte { return []byte(blobMagic + kind + "\x00" + name) }

func checkBlobName(kind, name string) error {
	for _, s := range []string{kind, name} {
		if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
			return malformed("head", 0, "type %.40q, name %.40q: want UTF-8 without NUL", kind, name)
		}
	}
	return nil
}

func (h *blobHead) encode() ([]byte, error) {
	dst := make([]byte, blobFixedLen, 2048)
	copy(dst, blobMagic)
	dst = append(dst, appendJSON(nil, h)...)
	n := len(dst) - blobFixedLen
	if n > ParamsLenMax {
		return nil, malformed("head", 0, "%d bytes, at most %d", n, ParamsLenMax)
	}
	binary.LittleEndian.PutUint32(dst[len(blobMagic):], uint32(n))
	return dst, nil
}

// NewBlob makes the head and the envelope of a blob whose body has the given
// length: write the head, then the body through the envelope's Writer.
func NewBlob(kind, name string, length int64, to []*Recipient, o Options) (head []byte, e *Envelope, err error) {
	if err := checkBlobName(kind, name); err != nil {
		return nil, nil, err
	}
	if e, err = Seal(blobClear(kind, name), length, to, o); err != nil {
		return nil, nil, err
	}
	h := blobHead{Params: e.params, Kind: kind, Name: name}
	if head, err = h.encode(); err != nil {
		return nil, nil, err
	}
	return head, e, nil
}

// SealBlob returns plain as a blob.
func SealBlob(kind, name string, plain []byte, to []*Recipient, o Options) ([]byte, error) {
	head, e, err := NewBlob(kind, name, int64(len(plain)), to, o)
	if err != nil {
		return nil, err
	}
	blob := make([]byte, len(head)+int(e.SealedLen()))
	copy(blob, head)
	err = parallel(e.workers, e.Chunks(), func(i uint64) error {
		lo := i * e.core.chunk
		at := len(head) + int(e.core.sealedOff(i))
		_, err := e.SealChunk(blob[at:at:len(blob)], plain[lo:lo+uint64(e.core.plainLen(i))], i)
		return err
	})
	if err != nil {
		return nil, err
	}
	return blob, nil
}

// IsBlob reports whether the bytes begin like a blob.
func IsBlob(b []byte) bool { return bytes.HasPrefix(b, []byte(blobMagic)) }

// OpenBlob returns the plaintext of the blob that holds the object of that
// kind and name; [ErrOtherObject] if it holds another.
func OpenBlob(blob []byte, kind, name string, keys Keys) ([]byte, error) {
	b, err := OpenBlobAt(bytes.NewReader(blob), 0, int64(len(blob)), kind, name, keys)
	if err != nil {
		return nil, err
	}
	return b.All(nil)
}

// OpenBlobAt opens a blob of size bytes at off for random access. It reads
// the head only.
func OpenBlobAt(r io.ReaderAt, off, size int64, kind, name string, keys Keys) (*Body, error) {
	h, headLen, err := readBlobHead(r, off, size)
	if err != nil {
		return nil, err
	}
	if h.Kind != kind || h.Name != name {
		return nil, fmt.Errorf("%w: blob holds %.80q %.80q, want %q %q", ErrOtherObject, h.Kind, h.Name, kind, name)
	}
	e, err := Open(blobClear(kind, name), h.Params, keys)
	if err != nil {
		return nil, fmt.Errorf("open %s %q: %w", kind, name, err)
	}
	b, err := e.Body(r, off+headLen, size-headLen)
	if err != nil {
		return nil, fmt.Errorf("open %s %q: %w", kind, name, err)
	}
	return b, nil
}

// RewrapBlob makes the head of a blob for other recipients. The chunks, which
// begin at byte body of the blob, follow the new head unchanged. Of the blob
// only the head is read.
func RewrapBlob(r io.ReaderAt, off, size int64, keys Keys, to []*Recipient) (head []byte, body int64, err error) {
	h, body, err := readBlobHead(r, off, size)
	if err != nil {
		return nil, 0, err
	}
	if h.Params, err = Rewrap(blobClear(h.Kind, h.Name), h.Params, keys, to); err != nil {
		return nil, 0, fmt.Errorf("rewrap %.80q %.80q: %w", h.Kind, h.Name, err)
	}
	if head, err = h.encode(); err != nil {
		return nil, 0, err
	}
	return head, body, nil
}

// readBlobHead returns the head and its length, in bytes.
func readBlobHead(r io.ReaderAt, off, size int64) (blobHead, int64, error) {
	if off < 0 || size < 0 || off > math.MaxInt64-size {
		return blobHead{}, 0, fmt.Errorf("open blob: %d bytes at byte %d", size, off)
	}
	var fixed [blobFixedLen]byte
	if size < int64(len(fixed)) {
		return blobHead{}, 0, malformed("blob", int(size), "need %d bytes, have %d", len(fixed), size)
	}
	if n, err := r.ReadAt(fixed[:], off); n < len(fixed) {
		return blobHead{}, 0, fmt.Errorf("read blob at byte %d: %w", off, err)
	}
	if !IsBlob(fixed[:]) {
		return blobHead{}, 0, malformed("blob", 0, "begins with %q, want %q", fixed[:len(blobMagic)], blobMagic)
	}
	n := int64(binary.LittleEndian.Uint32(fixed[len(blobMagic):]))
	if left := size - int64(len(fixed)); n > ParamsLenMax || n > left {
		return blobHead{}, 0, malformed("blob", len(blobMagic), "head of %d bytes, at most %d and %d are left", n, ParamsLenMax, left)
	}
	text := make([]byte, n)
	if got, err := r.ReadAt(text, off+int64(len(fixed))); got < len(text) {
		return blobHead{}, 0, fmt.Errorf("read blob head at byte %d: %w", off+int64(len(fixed)), err)
	}
	var h blobHead
	if err := parseObject("head", text, h.members()); err != nil {
		return blobHead{}, 0, err
	}
	if err := checkBlobName(h.Kind, h.Name); err != nil {
		return blobHead{}, 0, err
	}
	return h, int64(len(fixed)) + n, nil
}
