// Package crypt fuzzes what a stranger's sealed file brings: the text of the
// parameters, the core string, and blobs.
package crypt

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/storage/crypt"
)

var clearPart = []byte("<QvdTableHeader></QvdTableHeader>\r\n\x00")

// newRecipient makes a certificate of a key that lives as long as the
// process. Inputs that were found with another key stay useful: what comes
// before the key is most of what can fail.
func newRecipient(f *testing.F) *crypt.Recipient {
	f.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	return recipientOf(f, key)
}

func recipientOf(f *testing.F, key *rsa.PrivateKey) *crypt.Recipient {
	f.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		f.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		f.Fatal(err)
	}
	r, err := crypt.NewRecipient(cert)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// anyKey claims every key and unwraps to one that the input names, so that
// whatever parses comes as far as the MAC, without RSA's price.
type anyKey struct{}

func (anyKey) Find(_, _ string) (crypt.Unwrapper, error) { return anyKey{}, nil }

func (anyKey) Unwrap(wrapped []byte) ([]byte, error) {
	if len(wrapped) < 32 {
		return nil, errors.New("decryption error")
	}
	return bytes.Clone(wrapped[:32]), nil
}

// expected tells the errors that opening may give.
func expected(err error) bool {
	for _, kind := range []error{crypt.ErrFormat, crypt.ErrKey, crypt.ErrNoKey, crypt.ErrBroken, crypt.ErrOtherObject} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// mustRefuse wants one of the expected errors: nobody finds a MAC by chance.
func mustRefuse(t *testing.T, err error) {
	t.Helper()
	if !expected(err) {
		t.Fatalf("unexpected: %v", err)
	}
	if len(err.Error()) > 4096 {
		t.Fatalf("message of %d bytes", len(err.Error()))
	}
}

// FuzzParams: a text that decodes encodes to parameters that decode the same,
// and none of them opens.
func FuzzParams(f *testing.F) {
	to := newRecipient(f)
	e, err := crypt.Seal(clearPart, 70_000, []*crypt.Recipient{to}, crypt.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(crypt.EncodeParams(e.Params()))
	f.Add(crypt.EncodeParams(crypt.Params{}))
	f.Add(crypt.EncodeParams(crypt.Params{Core: "v=1", Rcp: []string{"X;y"}, Mac: "AAAA"}))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := crypt.DecodeParams(text)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		again, err := crypt.DecodeParams(crypt.EncodeParams(p))
		if err != nil || again.Core != p.Core || again.Mac != p.Mac || strings.Join(again.Rcp, "\n") != strings.Join(p.Rcp, "\n") {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
		other := append([]byte("x"), clearPart...) // never what was sealed
		_, err = crypt.Open(other, p, anyKey{})
		mustRefuse(t, err)
	})
}

// FuzzCore: behind a core that is accepted stands an honest envelope.
func FuzzCore(f *testing.F) {
	to := newRecipient(f)
	e, err := crypt.Seal(clearPart, 5, []*crypt.Recipient{to}, crypt.Options{})
	if err != nil {
		f.Fatal(err)
	}
	core := e.Params().Core
	f.Add(core)
	f.Add(strings.Replace(core, "len=5", "len=9223372036854775808", 1))
	f.Add(strings.Replace(core, "len=5", "len=281474976710656", 1))
	f.Add(strings.Replace(core, "chunk=65536", "chunk=4194304", 1))
	f.Add(strings.Replace(core, "chunk=65536", "chunk=3", 1))
	f.Fuzz(func(t *testing.T, core string) {
		p := e.Params()
		original := p.Core
		p.Core = core
		_, err := crypt.Open(clearPart, p, anyKey{})
		if core == original {
			t.Skip() // refused too, as anyKey holds another DEK
		}
		mustRefuse(t, err)
	})
}

// FuzzBlob opens bytes as a blob; the first byte of the input chooses between
// the input as it is and one behind a head that announces its real length.
func FuzzBlob(f *testing.F) {
	to := newRecipient(f)
	for _, n := range []int{0, 5, 5000} {
		blob, err := crypt.SealBlob("k", "n", make([]byte, n), []*crypt.Recipient{to}, crypt.Options{Chunk: 4096})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte{0}, blob...))
		f.Add(append([]byte{1}, blob[12:]...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 {
			return
		}
		blob := in[1:]
		if in[0] == 1 {
			head := append([]byte("OAENV1\r\n"), binary.LittleEndian.AppendUint32(nil, uint32(bytes.LastIndexByte(blob, '}')+1))...)
			blob = append(head, blob...)
		}
		plain, err := crypt.OpenBlob(blob, "k", "n", anyKey{})
		if err == nil || plain != nil {
			t.Fatalf("%d bytes opened, %v", len(plain), err)
		}
		mustRefuse(t, err)
		if _, _, err := crypt.RewrapBlob(bytes.NewReader(blob), 0, int64(len(blob)), anyKey{}, []*crypt.Recipient{to}); err == nil {
			t.Fatal("rewrapped without the key")
		}
	})
}

// onceKey unwraps the one DEK that it has seen first, without RSA's price.
type onceKey struct{ wrapped, dek []byte }

// newOnceKey finds the DEK of a blob by opening it.
func newOnceKey(f *testing.F, key *rsa.PrivateKey, blob []byte) *onceKey {
	f.Helper()
	k := &onceKey{}
	if _, err := crypt.OpenBlob(blob, "k", "n", learningKey{key, k}); err != nil {
		f.Fatal(err)
	}
	return k
}

func (k *onceKey) Find(_, _ string) (crypt.Unwrapper, error) { return k, nil }

func (k *onceKey) Unwrap(wrapped []byte) ([]byte, error) {
	if !bytes.Equal(wrapped, k.wrapped) {
		return nil, errors.New("decryption error")
	}
	return bytes.Clone(k.dek), nil
}

// learningKey tells a onceKey what it unwraps.
type learningKey struct {
	key  *rsa.PrivateKey
	into *onceKey
}

func (k learningKey) Find(_, _ string) (crypt.Unwrapper, error) { return k, nil }

func (k learningKey) Unwrap(wrapped []byte) ([]byte, error) {
	dek, err := rsa.DecryptOAEP(sha256.New(), nil, k.key, wrapped, nil)
	k.into.wrapped, k.into.dek = bytes.Clone(wrapped), bytes.Clone(dek)
	return dek, err
}

// FuzzEdits edits valid blobs: what opens is what was sealed.
func FuzzEdits(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	to := recipientOf(f, key)
	plain := make([]byte, 4*4096-100)
	for i := range plain {
		plain[i] = byte(i / 7)
	}
	blob, err := crypt.SealBlob("k", "n", plain, []*crypt.Recipient{to}, crypt.Options{Chunk: 4096})
	if err != nil {
		f.Fatal(err)
	}
	keys := newOnceKey(f, key, blob)
	f.Add([]byte{})
	f.Add([]byte{0, 3, 0, 1})
	f.Add([]byte{1, 1, 2, 0, 1, 2, 1, 0})
	f.Add([]byte{2, 0, 0, 200, 3, 10, 0, 5})
	f.Fuzz(func(t *testing.T, edits []byte) {
		edited := bytes.Clone(blob)
		for len(edits) >= 4 && len(edits) < 400 {
			edited = edit(edited, edits[0], edits[1], binary.LittleEndian.Uint16(edits[2:]))
			edits = edits[4:]
		}
		got, err := crypt.OpenBlob(edited, "k", "n", keys)
		switch {
		case err != nil && (got != nil || bytes.Equal(edited, blob)):
			t.Fatalf("%d bytes, %v", len(got), err)
		case err != nil:
			mustRefuse(t, err)
		case !bytes.Equal(got, plain):
			t.Fatal("opens to what was not sealed")
		}
	})
}

// edit changes a byte, or moves, doubles or removes a run, of a chunk or any
// other length.
func edit(b []byte, op, a byte, at uint16) []byte {
	const sealedChunk = 4096 + 16
	if len(b) == 0 {
		return b
	}
	pos := int(at) % len(b)
	run := int(a)
	if a >= 128 {
		run, pos = sealedChunk, max(0, len(b)-int(a-127)*sealedChunk)
	}
	run = min(run, len(b)-pos)
	switch op % 4 {
	case 0:
		b[pos] ^= a
	case 1:
		cut := bytes.Clone(b[pos : pos+run])
		b = slices.Delete(b, pos, pos+run)
		b = slices.Insert(b, int(at)%(len(b)+1), cut...)
	case 2:
		b = slices.Delete(b, pos, pos+run)
	default:
		b = slices.Insert(b, pos, bytes.Clone(b[pos:pos+run])...)
	}
	return b
}
