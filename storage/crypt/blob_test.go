package crypt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func sealBlob(t testing.TB, kind, name string, plain []byte, to ...*Recipient) []byte {
	t.Helper()
	blob, err := SealBlob(kind, name, plain, to, Options{Chunk: chunkMin})
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func TestBlob(t *testing.T) {
	id := testKey(t, 0)
	for _, n := range []int{0, 1, chunkMin, 5*chunkMin + 3} {
		for _, name := range []string{"", "a/b", "Ünïcode <&>\u2028\"\\", strings.Repeat("n", 1000)} {
			plain := testBody(n)
			blob := sealBlob(t, "stream", name, plain, id.recipient)
			info, err := InspectBlob(bytes.NewReader(blob), 0, int64(len(blob)))
			if err != nil {
				t.Fatal(err)
			}
			want := Info{Kind: "stream", Name: name, Len: int64(n), SealedLen: info.SealedLen, Chunk: chunkMin, Recipients: []RecipientInfo{{stanzaRSA, id.recipient.X5T(), id.recipient.X5TS256()}}}
			if !reflect.DeepEqual(info, want) || info.SealedLen < int64(n+tagLen) {
				t.Errorf("InspectBlob = %+v, want %+v", info, want)
			}
			if got, err := OpenBlob(blob, "stream", name, id); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes, %q: %v", n, name, err)
			}
			file := append(append([]byte("before"), blob...), "after"...)
			b, err := OpenBlobAt(bytes.NewReader(file), 6, int64(len(blob)), "stream", name, id)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := b.All([]byte("x")); err != nil || !bytes.Equal(got, append([]byte("x"), plain...)) {
				t.Errorf("%d bytes, %q in a file: %v", n, name, err)
			}
		}
	}
}

func TestNewBlobStreams(t *testing.T) {
	id := testKey(t, 0)
	plain := testBody(300_000)
	head, e, err := NewBlob("data", "T", int64(len(plain)), []*Recipient{id.recipient}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := bytes.NewBuffer(head)
	w := e.Writer(file)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := OpenBlob(file.Bytes(), "data", "T", id); err != nil || !bytes.Equal(got, plain) {
		t.Error(err)
	}
}

func TestBlobStandsForItselfOnly(t *testing.T) {
	a, b := testKey(t, 0), testKey(t, 1)
	plain := testBody(100)
	blob := sealBlob(t, "stream", "one", plain, a.recipient)
	for _, tt := range []struct{ kind, name string }{{"stream", "two"}, {"bookmark", "one"}, {"", ""}} {
		if _, err := OpenBlob(blob, tt.kind, tt.name, a); !errors.Is(err, ErrOtherObject) {
			t.Errorf("as %q %q: %v, want ErrOtherObject", tt.kind, tt.name, err)
		}
	}
	renamed := bytes.Replace(blob, []byte(`"name":"one"`), []byte(`"name":"two"`), 1)
	if _, err := OpenBlob(renamed, "stream", "two", a); !errors.Is(err, ErrKey) {
		t.Errorf("renamed: %v, want ErrKey", err)
	}
	// kind and name together give the same letters, but the NUL is between them.
	moved := bytes.Replace(blob, []byte(`"type":"stream","name":"one"`), []byte(`"type":"streamo","name":"ne"`), 1)
	if _, err := OpenBlob(moved, "streamo", "ne", a); !errors.Is(err, ErrKey) {
		t.Errorf("border moved: %v, want ErrKey", err)
	}
	if _, err := OpenBlob(blob, "stream", "one", b); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), a.recipient.X5T()) {
		t.Errorf("other key: %v, want ErrNoKey with the thumbprint", err)
	}
	for _, tt := range [][2]string{{"a\x00b", "c"}, {"a", "b\x00c"}, {"\xff", "c"}} {
		if _, err := SealBlob(tt[0], tt[1], nil, []*Recipient{a.recipient}, Options{}); err == nil {
			t.Errorf("%q is sealed", tt)
		}
	}
	if _, err := SealBlob("k", strings.Repeat("n", ParamsLenMax), nil, []*Recipient{a.recipient}, Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a name too long to be read again: %v", err)
	}
}

func TestRewrapBlob(t *testing.T) {
	old, now := testKey(t, 0), testKey(t, 1)
	plain := testBody(3 * chunkMin)
	blob := sealBlob(t, "stream", "one", plain, old.recipient)
	head, body, err := RewrapBlob(bytes.NewReader(blob), 0, int64(len(blob)), old, []*Recipient{now.recipient, old.recipient})
	if err != nil {
		t.Fatal(err)
	}
	both := append(bytes.Clone(head), blob[body:]...)
	for _, id := range []*identity{old, now} {
		if got, err := OpenBlob(both, "stream", "one", id); err != nil || !bytes.Equal(got, plain) {
			t.Error(err)
		}
	}
	head, body, err = RewrapBlob(bytes.NewReader(both), 0, int64(len(both)), now, []*Recipient{now.recipient})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBlob(append(head, both[body:]...), "stream", "one", old); !errors.Is(err, ErrNoKey) {
		t.Errorf("old key: %v", err)
	}
}

// memoKey unwraps only what it has unwrapped before, without RSA.
type memoKey struct {
	*identity
	known map[string][]byte
}

func (m memoKey) Find(x5tS256, x5t string) (Unwrapper, error) {
	if _, err := m.identity.Find(x5tS256, x5t); err != nil {
		return nil, err
	}
	return m, nil
}

func (m memoKey) Unwrap(wrapped []byte) ([]byte, error) {
	if dek, ok := m.known[string(wrapped)]; ok {
		return bytes.Clone(dek), nil
	}
	return nil, errors.New("decryption error")
}

func memoOf(t testing.TB, id *identity, p Params) memoKey {
	t.Helper()
	stanzas, err := p.stanzas()
	if err != nil {
		t.Fatal(err)
	}
	dek, _, ok, err := unwrapFirst(stanzas, id)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return memoKey{id, map[string][]byte{string(stanzas[0].wrapped): dek[:]}}
}

// TestEveryBit: each altered bit of a small sealed object is an error.
func TestEveryBit(t *testing.T) {
	id := testKey(t, 0)
	plain := testBody(40)
	blob := sealBlob(t, "stream", "one", plain, id.recipient)
	h, _, err := readBlobHead(bytes.NewReader(blob), 0, int64(len(blob)))
	if err != nil {
		t.Fatal(err)
	}
	p, sealed := sealBody(t, plain, 1, id.recipient)
	qvd := sealedQVD(p, sealed)
	for _, tt := range []struct {
		what string
		file []byte
		open func(file []byte, keys Keys) ([]byte, error)
		keys Keys
	}{
		{"blob", blob, func(file []byte, keys Keys) ([]byte, error) { return OpenBlob(file, "stream", "one", keys) }, memoOf(t, id, h.Params)},
		{"QVD", qvd, openQVD, memoOf(t, id, p)},
	} {
		if got, err := tt.open(tt.file, tt.keys); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%s as it was: %v", tt.what, err)
		}
		for i := range tt.file {
			for bit := range 8 {
				tt.file[i] ^= 1 << bit
				if got, err := tt.open(tt.file, tt.keys); err == nil || got != nil {
					t.Errorf("%s: bit %d of byte %d: %d bytes come out", tt.what, bit, i, len(got))
				}
				tt.file[i] ^= 1 << bit
			}
			if got, err := tt.open(tt.file[:i], tt.keys); err == nil || got != nil {
				t.Errorf("%s cut at byte %d: %d bytes come out", tt.what, i, len(got))
			}
		}
	}
}

// sealedQVD puts the parameters into testClear, and the body behind it.
func sealedQVD(p Params, sealed []byte) []byte {
	const end = "</QvdTableHeader>"
	head := bytes.Replace(testClear, []byte(end), []byte("<EncryptionInfo>"+EncodeParams(p)+"</EncryptionInfo>"+end), 1)
	return append(head, sealed...)
}

// openQVD reads what sealedQVD made; the element and its text are not part of
// this clear part.
func openQVD(file []byte, keys Keys) ([]byte, error) {
	head, body, ok := bytes.Cut(file, []byte{0})
	before, rest, ok2 := bytes.Cut(head, []byte("<EncryptionInfo>"))
	text, after, ok3 := bytes.Cut(rest, []byte("</EncryptionInfo>"))
	if !ok || !ok2 || !ok3 {
		return nil, errors.New("no sealed QVD")
	}
	p, err := DecodeParams(string(text))
	if err != nil {
		return nil, err
	}
	return openBody(bytes.Join([][]byte{before, after, {0}}, nil), p, body, keys)
}

func TestConcurrent(t *testing.T) {
	id := testKey(t, 0)
	plain := testBody(64*chunkMin + 9)
	e, err := Seal(testClear, int64(len(plain)), []*Recipient{id.recipient}, Options{Chunk: chunkMin})
	if err != nil {
		t.Fatal(err)
	}
	sealed := make([]byte, e.SealedLen())
	var wg sync.WaitGroup
	for i := range e.Chunks() {
		wg.Go(func() {
			at, lo := e.core.sealedOff(i), i*chunkMin
			if _, err := e.SealChunk(sealed[at:at], plain[lo:lo+uint64(e.core.plainLen(i))], i); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	o, err := Open(testClear, e.Params(), id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := o.Body(bytes.NewReader(sealed), 0, int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	for worker := range 8 {
		wg.Go(func() {
			buf := make([]byte, 3*chunkMin/2)
			for k := range 100 {
				lo := (worker*7919 + k*chunkMin/3) % (len(plain) - len(buf))
				if _, err := b.ReadAt(buf, int64(lo)); err != nil || !bytes.Equal(buf, plain[lo:lo+len(buf)]) {
					t.Errorf("at %d: %v", lo, err)
				}
			}
			if got, err := b.All(nil); err != nil || !bytes.Equal(got, plain) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestList(t *testing.T) {
	id, other := testKey(t, 0), testKey(t, 1)
	to := []*Recipient{id.recipient}
	blobs := map[string][]byte{}
	l := &List{}
	for i := range 4 {
		name := fmt.Sprintf("stream %d", i)
		head, e, err := NewBlob("stream", name, 3, to, Options{})
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := e.SealChunk(head, []byte{1, 2, byte(i)}, 0)
		if err != nil {
			t.Fatal(err)
		}
		blobs[name] = sealed
		if err := l.Add("stream", name, e); err != nil {
			t.Fatal(err)
		}
		if err := l.Add("stream", name, e); !errors.Is(err, ErrList) {
			t.Errorf("added twice: %v", err)
		}
	}
	file, err := SealList(l, "app-1", to, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenList(file, "app-1", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenList(file, "app-2", id); !errors.Is(err, ErrOtherObject) {
		t.Errorf("list of another app: %v", err)
	}
	check := func(blob []byte, name string, keys Keys) error {
		b, err := OpenBlobAt(bytes.NewReader(blob), 0, int64(len(blob)), "stream", name, keys)
		if err != nil {
			return err
		}
		return got.Check("stream", name, b.Envelope())
	}
	for name, blob := range blobs {
		if err := check(blob, name, id); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An earlier version of the same object, valid in itself.
	if err := check(sealBlob(t, "stream", "stream 0", []byte{1, 2, 0}, id.recipient), "stream 0", id); !errors.Is(err, ErrList) {
		t.Errorf("rolled back: %v", err)
	}
	if err := check(sealBlob(t, "stream", "new", []byte{1, 2, 0}, id.recipient), "new", id); !errors.Is(err, ErrList) {
		t.Errorf("added: %v", err)
	}
	head, body, err := RewrapBlob(bytes.NewReader(blobs["stream 0"]), 0, int64(len(blobs["stream 0"])), id, []*Recipient{other.recipient})
	if err != nil {
		t.Fatal(err)
	}
	if err := check(append(head, blobs["stream 0"][body:]...), "stream 0", other); err != nil {
		t.Errorf("rewrapped: %v", err)
	}
	all := got.Objects()
	if len(all) != 4 || all[2] != (Object{"stream", "stream 2", 3}) {
		t.Errorf("Objects = %v", all)
	}
	for _, tt := range []struct {
		why  string
		have []Object
		ok   bool
	}{
		{"all", all, true},
		{"another order", []Object{all[3], all[1], all[0], all[2]}, true},
		{"one removed", all[1:], false},
		{"none", nil, false},
		{"one added", append(all[:4:4], Object{Kind: "stream", Name: "x"}), false},
		{"one in place of another", []Object{all[0], all[1], all[2], all[2]}, false},
	} {
		if err := got.CheckNames(tt.have); (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrList) {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}

// TestCommit pins what the entries of stored lists hold.
func TestCommit(t *testing.T) {
	m := material{dek: [dekLen]byte{1}, salt: [saltLen]byte{2}}
	e, err := sealWith(testClear, geometry{chunkMin, 3}, &m, []string{okRcp})
	if err != nil {
		t.Fatal(err)
	}
	km, err := macKey(m.dek[:], m.salt[:])
	if err != nil {
		t.Fatal(err)
	}
	hb := bind(testClear, e.Params().Core)
	h := hmac.New(sha256.New, km)
	h.Write(append([]byte("oae1 list\x00"), hb[:]...))
	if want := h.Sum(nil); !bytes.Equal(e.commit[:], want) {
		t.Errorf("commit = %x, want %x", e.commit, want)
	}
}

func TestListMalformed(t *testing.T) {
	id := testKey(t, 0)
	l := &List{}
	_, e, err := NewBlob("k", "n", 0, []*Recipient{id.recipient}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Add("k", "n", e); err != nil {
		t.Fatal(err)
	}
	entry := appendEntry(nil, l.order[0], l.entries[l.order[0]])
	for n := 1; n < len(entry); n++ {
		blob := sealBlob(t, listKind, "app", entry[:n], id.recipient)
		if got, err := OpenList(blob, "app", id); !errors.Is(err, ErrFormat) || got != nil {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	twice := sealBlob(t, listKind, "app", append(bytes.Clone(entry), entry...), id.recipient)
	if got, err := OpenList(twice, "app", id); !errors.Is(err, ErrList) || got != nil {
		t.Errorf("an entry twice: %v", err)
	}
}
