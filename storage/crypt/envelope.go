package crypt

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Options of sealing. The zero value is good.
type Options struct {
	// Chunk is the plaintext bytes of a chunk: a power of two from 4 KiB to
	// 4 MiB, 0 for 64 KiB. Random reads decrypt whole chunks.
	Chunk int
	// Workers is how many goroutines a Writer uses; 0 for one per processor.
	Workers int
}

func (o Options) chunk() uint64 {
	if o.Chunk == 0 {
		return chunkDefault
	}
	return uint64(o.Chunk) // negative ones become too large, which check refuses
}

func workersOf(n int) int {
	if n <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// An Envelope is one object's keys and geometry, either for sealing ([Seal])
// or for opening ([Open]). It holds no DEK, only what the body needs. Any
// number of goroutines may use it.
type Envelope struct {
	core    core
	params  Params
	aead    cipher.AEAD
	commit  [sha256.Size]byte
	workers int

	openedBy string // SHA-1 thumbprint

	nonces sync.Pool // of *[nonceLen]byte, which AEAD makes escape

	// done has a bit per chunk that was sealed; nil in an opened envelope.
	// A nonce used twice would give the plaintext away.
	done []atomic.Uint32
}

// Seal makes the envelope of a new object whose body has the given length,
// with keys drawn for it alone. clearPart is authenticated as it is.
//
// It fails for recipients whose certificates are out of their time, unless
// they allow that.
func Seal(clearPart []byte, length int64, to []*Recipient, o Options) (*Envelope, error) {
	m, err := drawMaterial(rand.Reader)
	if err != nil {
		return nil, err
	}
	defer clear(m.dek[:])
	if length < 0 {
		return nil, fmt.Errorf("seal: length %d", length)
	}
	g := geometry{chunk: o.chunk(), len: uint64(length)}
	if err := g.check(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	rcp, err := wrapFor(to, m.dek[:], rand.Reader, time.Now())
	if err != nil {
		return nil, err
	}
	e, err := sealWith(clearPart, g, &m, rcp)
	if err != nil {
		return nil, err
	}
	e.workers = workersOf(o.Workers)
	return e, nil
}

// sealWith is Seal with everything random given.
func sealWith(clearPart []byte, g geometry, m *material, rcp []string) (*Envelope, error) {
	e, km, err := newEnvelope(core{g, m.salt, m.prefix}, clearPart, m.dek[:])
	if err != nil {
		return nil, err
	}
	defer clear(km)
	hb := bind(clearPart, e.params.Core)
	e.params.Rcp = rcp
	e.params.Mac = encode64(macOf(km, hb, rcp))
	e.done = make([]atomic.Uint32, (g.chunks()+31)/32)
	return e, nil
}

// newEnvelope derives the keys. The caller wipes km.
func newEnvelope(c core, clearPart, dek []byte) (e *Envelope, km []byte, err error) {
	text := c.String()
	hb := bind(clearPart, text)
	kb, err := bodyKey(dek, c.salt[:], hb)
	if err != nil {
		return nil, nil, fmt.Errorf("derive the body's key: %w", err)
	}
	aead, err := newAEAD(kb)
	if err != nil {
		return nil, nil, fmt.Errorf("body cipher: %w", err)
	}
	if km, err = macKey(dek, c.salt[:]); err != nil {
		return nil, nil, fmt.Errorf("derive the header's key: %w", err)
	}
	e = &Envelope{core: c, aead: aead, commit: commit(km, hb), params: Params{Core: text}, workers: workersOf(0)}
	e.nonces.New = func() any { return new([nonceLen]byte) }
	return e, km, nil
}

// Open checks the parameters of an object and finds its key. Nothing of
// clearPart may be believed before Open has returned.
//
// keys may be nil, a store without keys. Errors: [*FormatError], [ErrNoKey], and [ErrKey] both for a key that does
// not fit and for a clear part or parameters that were altered.
func Open(clearPart []byte, p Params, keys Keys) (*Envelope, error) {
	c, stanzas, err := p.parse()
	if err != nil {
		return nil, err
	}
	e, dek, err := openParsed(clearPart, c, stanzas, p, keys)
	clear(dek[:])
	return e, err
}

// openParsed is Open behind its limits. The caller wipes dek.
func openParsed(clearPart []byte, c core, stanzas []stanza, p Params, keys Keys) (e *Envelope, dek [dekLen]byte, err error) {
	mac, err := decode64("mac", p.Mac)
	if err != nil {
		return nil, dek, err
	}
	dek, by, fits, err := unwrapFirst(stanzas, keys)
	if err != nil {
		return nil, dek, err
	}
	e, km, err := newEnvelope(c, clearPart, dek[:])
	if err != nil {
		return nil, dek, err
	}
	defer clear(km)
	same := hmac.Equal(macOf(km, bind(clearPart, p.Core), p.Rcp), mac)
	if !same || !fits {
		clear(dek[:])
		return nil, dek, ErrKey
	}
	e.params, e.openedBy = p, by
	return e, dek, nil
}

// Rewrap opens an object's parameters and returns new ones for other
// recipients. The body and the clear part stay as they are.
//
// It takes the object from those who hold the old key only as far as they
// never had it: where the old key or the DEK leaked, seal anew.
func Rewrap(clearPart []byte, p Params, keys Keys, to []*Recipient) (Params, error) {
	c, stanzas, err := p.parse()
	if err != nil {
		return Params{}, err
	}
	_, dek, err := openParsed(clearPart, c, stanzas, p, keys)
	defer clear(dek[:])
	if err != nil {
		return Params{}, err
	}
	rcp, err := wrapFor(to, dek[:], rand.Reader, time.Now())
	if err != nil {
		return Params{}, err
	}
	km, err := macKey(dek[:], c.salt[:])
	if err != nil {
		return Params{}, err
	}
	defer clear(km)
	mac := macOf(km, bind(clearPart, p.Core), rcp)
	return Params{Core: p.Core, Rcp: rcp, Mac: encode64(mac)}, nil
}

// Params returns what is stored beside the clear part.
func (e *Envelope) Params() Params {
	p := e.params
	p.Rcp = append([]string(nil), p.Rcp...)
	return p
}

// OpenedBy returns the SHA-1 thumbprint of the certificate whose key opened
// the envelope, for logs; "" in one that Seal made.
func (e *Envelope) OpenedBy() string { return e.openedBy }

// Len returns the length of the plaintext body.
func (e *Envelope) Len() int64 { return int64(e.core.len) }

// SealedLen returns the length of the sealed body: Len and 16 per chunk.
func (e *Envelope) SealedLen() int64 { return e.core.sealedLen() }

// Chunks returns the number of chunks, at least 1.
func (e *Envelope) Chunks() uint64 { return e.core.chunks() }

// ChunkLen returns the plaintext bytes of every chunk but the last.
func (e *Envelope) ChunkLen() int { return int(e.core.chunk) }

var (
	errSealing = errors.New("crypt: the envelope was made for sealing")
	errOpening = errors.New("crypt: the envelope was made for opening")
)

// SealChunk appends chunk i, sealed, to dst. plain must have the chunk's
// length; dst may be plain[:0] with room for 16 more bytes, otherwise they
// must not overlap. Each chunk can be sealed once: a new object needs a new
// envelope. Sealing in place allocates nothing.
func (e *Envelope) SealChunk(dst, plain []byte, i uint64) ([]byte, error) {
	if e.done == nil {
		return nil, errOpening
	}
	if i >= e.Chunks() || len(plain) != e.core.plainLen(i) {
		return nil, fmt.Errorf("seal chunk %d of %d: %d bytes", i, e.Chunks(), len(plain))
	}
	if bit := uint32(1) << (i % 32); e.done[i/32].Or(bit)&bit != 0 {
		return nil, fmt.Errorf("seal chunk %d: it is sealed already", i)
	}
	nonce := e.nonce(i)
	defer e.nonces.Put(nonce)
	return e.aead.Seal(dst, nonce[:], plain, nil), nil
}

// OpenChunk appends the plaintext of chunk i to dst, which may be sealed[:0].
// Nothing is returned or left in dst's array unless the tag holds. off is the
// chunk's place for the error's sake.
func (e *Envelope) OpenChunk(dst, sealed []byte, i uint64, off int64) ([]byte, error) {
	if e.done != nil {
		return nil, errSealing
	}
	if i >= e.Chunks() || len(sealed) != e.core.plainLen(i)+tagLen {
		return nil, fmt.Errorf("%w: chunk %d of %d: byte %d: %d bytes", ErrBroken, i, e.Chunks(), off, len(sealed))
	}
	nonce := e.nonce(i)
	defer e.nonces.Put(nonce)
	plain, err := e.aead.Open(dst, nonce[:], sealed, nil)
	if err != nil {
		return nil, &ChunkError{Chunk: i, Offset: off, Len: int64(len(sealed))}
	}
	return plain, nil
}

// nonce is put back by the caller.
func (e *Envelope) nonce(i uint64) *[nonceLen]byte {
	nonce, ok := e.nonces.Get().(*[nonceLen]byte)
	if !ok {
		panic("crypt: BUG: no nonce in the pool")
	}
	putNonce(nonce, e.core.prefix, i, e.core.last(i))
	return nonce
}
