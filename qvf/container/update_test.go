package container

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var _ File = (*os.File)(nil)

// A tape is a file that remembers every write and sync, so that a crash can
// be played at any of them.
type tape struct {
	memory
	ops []op
}

// An op is a write, or a sync where data is nil.
type op struct {
	off  int64
	data []byte
}

func (t *tape) WriteAt(p []byte, off int64) (int, error) {
	t.ops = append(t.ops, op{off, bytes.Clone(p)})
	return t.memory.WriteAt(p, off)
}

func (t *tape) Sync() error {
	t.ops = append(t.ops, op{})
	return nil
}

// crashed returns what the disk may hold after n operations: all writes before
// the last sync, and of those after it what keep says, the last one cut at
// part of its bytes.
func crashed(before []byte, ops []op, keep func(int) bool, part int) []byte {
	m := memory{bytes.Clone(before)}
	synced := 0
	for i, o := range ops {
		if o.data == nil {
			synced = i
		}
	}
	for i, o := range ops {
		switch {
		case o.data == nil:
		case i == len(ops)-1 && part >= 0:
			_, _ = m.WriteAt(o.data[:min(part, len(o.data))], o.off)
		case i < synced || keep(i):
			_, _ = m.WriteAt(o.data, o.off)
		}
	}
	return m.b
}

func randomStreams(rng *rand.Rand) map[string][]byte {
	streams := map[string][]byte{
		"/data/field_0": randomBytes(rng, 10_000), "/data/table_0": randomBytes(rng, 5000),
		"/media/a/b.png": randomBytes(rng, 700), "/qvapp_appscript": randomBytes(rng, 300), "/empty": {},
	}
	return streams
}

// change makes random changes to u and to the map that says what it should
// hold.
func change(t *testing.T, rng *rand.Rand, u *Update, want map[string][]byte) {
	t.Helper()
	for range 1 + rng.IntN(4) {
		paths := sortedPaths(want)
		p := paths[rng.IntN(len(paths))]
		switch rng.IntN(4) {
		case 0:
			if p == "/data/field_0" {
				continue
			}
			if err := u.Remove(p); err != nil {
				t.Fatal(err)
			}
			delete(want, p)
			continue
		case 1:
			p = randomPath(rng)
		}
		want[p] = randomBytes(rng, rng.IntN(3000))
		if err := u.PutBytes(p, Meta{Attributes: Foreign("test", ""), Hash: true}, want[p]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUpdateSurvivesCrashes commits changes and looks at what the file would
// be, had the machine died at any write of it.
func TestUpdateSurvivesCrashes(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 2))
		want := randomStreams(rng)
		f := &tape{memory: memory{build(t, want)}}
		u, err := Append("test.qvf", f, int64(len(f.b)))
		if err != nil {
			t.Fatal(err)
		}
		fixed, _, _ := u.c.Extents("/data/field_0")
		data := bytes.Clone(f.b[fixed[0].Off:][:fixed[0].Len])
		for range 5 {
			before, old := bytes.Clone(f.b), maps.Clone(want)
			f.ops = nil
			change(t, rng, u, want)
			if err := u.Commit(); err != nil {
				t.Fatal(err)
			}
			c := mustOpen(t, f.b)
			got, err := streamsOf(c)
			if err == nil {
				err = same(want, got)
			}
			if err != nil || c.Generation() != u.c.generation || len(c.Damaged()) > 0 {
				t.Fatalf("seed %d: after commit: %v, %v", seed, err, c.Damaged())
			}
			if !bytes.Equal(data, f.b[fixed[0].Off:][:fixed[0].Len]) {
				t.Fatalf("seed %d: pages of the old generation were written", seed)
			}
			crash(t, rng, before, f.ops, old, want)
		}
	}
}

// crash plays crashes at every operation: it must open as old or as new.
func crash(t *testing.T, rng *rand.Rand, before []byte, ops []op, old, want map[string][]byte) {
	t.Helper()
	for n := range len(ops) + 1 {
		parts := []int{-1}
		if n > 0 && ops[n-1].data != nil {
			parts = []int{0, 1, 17, 0x40, 0x44, 0x50, 0x58, 0x5F, 0x88, 0x90, 0x9C, 0xC8, 0xD0, 511, 512}
		}
		for _, part := range parts {
			for _, keep := range []func(int) bool{
				func(int) bool { return true }, func(int) bool { return false },
				func(i int) bool { return rng.IntN(2) == 0 },
			} {
				c, err := open(crashed(before, ops[:n], keep, part))
				if err != nil {
					t.Fatalf("after %d of %d operations, part %d: %v", n, len(ops), part, err)
				}
				got, err := streamsOf(c)
				if err != nil {
					t.Fatalf("after %d of %d operations, part %d: %v", n, len(ops), part, err)
				}
				if errOld, errNew := same(old, got), same(want, got); errOld != nil && errNew != nil {
					t.Fatalf("after %d of %d operations, part %d: neither old (%v) nor new (%v)", n, len(ops), part, errOld, errNew)
				}
			}
		}
	}
}

func TestUpdateOfForeignFile(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/qvf/0[29]*.qvf")
	if len(files) == 0 {
		t.Skip("real files are not there")
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		old := naiveStreams(b)
		f := &tape{memory: memory{bytes.Clone(b)}}
		u, err := Append(name, f, int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if err := u.PutBytes("/qvapp_appscript", Meta{}, []byte("new")); err != nil {
			t.Fatal(err)
		}
		if err := u.Commit(); err != nil {
			t.Fatal(err)
		}
		want := maps.Clone(old)
		want["/qvapp_appscript"] = []byte("new")
		if err := same(want, naiveStreams(f.b)); err != nil {
			t.Errorf("a reader that knows no root records: %v", err)
		}
		if !bytes.Equal(f.b[pageBytes:len(b)], b[pageBytes:]) {
			t.Error("pages of the foreign file were written")
		}
		if len(b) < 1<<20 {
			crash(t, rng, b, f.ops, old, want)
		}
	}
}

func TestUpdateKeepsUnchangedDirectories(t *testing.T) {
	f := &memory{build(t, randomStreams(rand.New(rand.NewPCG(3, 3))))}
	u, err := Append("test.qvf", f, int64(len(f.b)))
	if err != nil {
		t.Fatal(err)
	}
	at := u.c.root.child("data", true).desc.at
	live := u.LiveBytes()
	if u.GarbageBytes() != 0 {
		t.Errorf("%d bytes of garbage in a new file of %d", u.GarbageBytes(), len(f.b))
	}
	if err := u.PutBytes("sheet", Meta{Hash: true}, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, f.b)
	if got := c.root.child("data", true).desc.at; got != at {
		t.Errorf("descriptor of /data moved from %d to %d", at, got)
	}
	if c.LiveBytes() < live+1024 || c.GarbageBytes() == 0 || c.LiveBytes()+c.GarbageBytes() != int64(len(f.b)) {
		t.Errorf("%d live, %d garbage of %d", c.LiveBytes(), c.GarbageBytes(), len(f.b))
	}
	u.Close()
	if err := u.Commit(); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

// broken fails from the n-th write or sync on.
type broken struct {
	memory
	left int
}

var errBroken = errors.New("disk is gone")

func (b *broken) fail() error {
	if b.left--; b.left < 0 {
		return errBroken
	}
	return nil
}

func (b *broken) WriteAt(p []byte, off int64) (int, error) {
	if err := b.fail(); err != nil {
		return 0, err
	}
	return b.memory.WriteAt(p, off)
}

func (b *broken) Sync() error { return b.fail() }

func TestUpdateTellsDiskErrors(t *testing.T) {
	old := map[string][]byte{"/a": []byte("old"), "/d/b": []byte("b")}
	file := build(t, old)
	for left := 0; ; left++ {
		f := &broken{memory{bytes.Clone(file)}, left}
		u, err := Append("test.qvf", f, int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		err = u.PutBytes("/d/a", Meta{}, []byte("new"))
		if err == nil {
			err = u.Commit()
		}
		if err == nil {
			if left < 6 {
				t.Errorf("commit takes %d operations only", left)
			}
			return
		}
		if !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		if again := u.Commit(); !errors.Is(again, errBroken) {
			t.Fatalf("commit after an error: %v", again)
		}
		if _, err := open(f.b); err != nil {
			t.Fatal(fmt.Errorf("after %d operations: %w", left, err))
		}
	}
}
