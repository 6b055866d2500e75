package crypt

import (
	"io"
	"strings"
)

// An Info is what anybody can see of a sealed object. Nothing of it is
// verified: it is for people, and for finding the right key.
type Info struct {
	Kind, Name string // of a blob
	Len        int64  // plaintext bytes
	SealedLen  int64  // bytes of the chunks
	Chunk      int    // plaintext bytes of a chunk
	Recipients []RecipientInfo
}

// A RecipientInfo names one recipient. The thumbprints are empty where the
// type is not known here.
type RecipientInfo struct {
	Type         string // "RSA-OAEP-256"
	X5T, X5TS256 string
}

// Inspect reads parameters without a key.
func Inspect(p Params) (Info, error) {
	c, stanzas, err := p.parse()
	if err != nil {
		return Info{}, err
	}
	info := Info{Len: int64(c.len), SealedLen: c.sealedLen(), Chunk: int(c.chunk)}
	for i, s := range stanzas {
		kind, _, _ := strings.Cut(p.Rcp[i], ";")
		info.Recipients = append(info.Recipients, RecipientInfo{kind, s.x5t, s.x5tS256})
	}
	return info, nil
}

// InspectBlob reads the head of a blob without a key.
func InspectBlob(r io.ReaderAt, off, size int64) (Info, error) {
	h, _, err := readBlobHead(r, off, size)
	if err != nil {
		return Info{}, err
	}
	info, err := Inspect(h.Params)
	if err != nil {
		return Info{}, err
	}
	info.Kind, info.Name = h.Kind, h.Name
	return info, nil
}
