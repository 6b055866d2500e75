package qvd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// A sealed QVD has its body in the envelope of package crypt. The header stays
// readable and its numbers mean the plain body. The text of its EncryptionInfo
// is the envelope's parameters; all other bytes of the header, to the NUL, are
// the envelope's clear part.

// sealedHeader is the header of a sealed file, taken apart.
type sealedHeader struct {
	clear  []byte // without the text of EncryptionInfo
	params crypt.Params
	lo     int // where that text belongs
}

// takeApart finds the parameters in the header's bytes.
func takeApart(header []byte, at *positions, info string) (*sealedHeader, error) {
	params, err := crypt.DecodeParams(info)
	if err != nil {
		return nil, at.root("EncryptionInfo", "%w, in a way that is not known: %w", ErrEncrypted, err)
	}
	s := &sealedHeader{params: params, lo: int(at.info[0])}
	s.clear = append(append(make([]byte, 0, len(header)), header[:at.info[0]]...), header[at.info[1]:]...)
	return s, nil
}

// unseal opens the sealed body of size bytes that follows the header.
func unseal(header []byte, at *positions, info string, r io.ReaderAt, size int64, keys crypt.Keys) (*crypt.Body, error) {
	s, err := takeApart(header, at, info)
	if err != nil {
		return nil, err
	}
	if keys == nil {
		keys = crypt.Chain()
	}
	envelope, err := crypt.Open(s.clear, s.params, keys)
	if err != nil {
		return nil, at.root("EncryptionInfo", "%w: %w", ErrEncrypted, err)
	}
	body, err := envelope.Body(r, int64(len(header)), size)
	if err != nil {
		return nil, &FormatError{Offset: int64(len(header)), What: "body", Err: fmt.Errorf("%w: %w", ErrEncrypted, err)}
	}
	return body, nil
}

// Encrypted reports whether the body is sealed.
func (f *File) Encrypted() bool { return f.header.EncryptionInfo != "" }

// Rekey writes the sealed file path to newPath, which can be the same, for
// other recipients: the header gets new parameters and the body is copied as
// it is. It does not help where a key has leaked: then the file has to be
// written anew.
func Rekey(path, newPath string, keys crypt.Keys, to []*crypt.Recipient) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	head, body, err := rekeyed(file, info.Size(), keys, to)
	if err != nil {
		var bad *FormatError
		if errors.As(err, &bad) {
			bad.File = filepath.Base(path)
			return err
		}
		return fmt.Errorf("qvd: rekey %s: %w", path, err)
	}
	return safefile.Write(newPath, func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		n, err := io.Copy(w, io.NewSectionReader(file, body, info.Size()-body))
		if err == nil && n < info.Size()-body {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}

// rekeyed returns the new header and where the body begins in the old file.
func rekeyed(r io.ReaderAt, size int64, keys crypt.Keys, to []*crypt.Recipient) (head []byte, body int64, err error) {
	old, err := findHeader(r, size)
	if err != nil {
		return nil, 0, err
	}
	h, at, err := parseHeader(old)
	if err != nil {
		return nil, 0, err
	}
	if h.EncryptionInfo == "" {
		return nil, 0, errors.New("the file is not encrypted")
	}
	s, err := takeApart(old, at, h.EncryptionInfo)
	if err != nil {
		return nil, 0, err
	}
	params, err := crypt.Rewrap(s.clear, s.params, keys, to)
	if err != nil {
		return nil, 0, err
	}
	head = append(head, s.clear[:s.lo]...)
	head = append(head, crypt.EncodeParams(params)...)
	return append(head, s.clear[s.lo:]...), h.SizeBytes, nil
}
