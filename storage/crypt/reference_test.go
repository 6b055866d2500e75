package crypt

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// reference runs testdata/encryption-ref.mjs, the other implementation.
func reference(t *testing.T, args ...string) error {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node, which runs the reference implementation, is not installed")
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{"testdata/encryption-ref.mjs"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("node %v: %s", args, out)
	}
	return err
}

const qvdHead = "<QvdTableHeader>\r\n <EncryptionInfo></EncryptionInfo>\r\n</QvdTableHeader>\r\n\x00"

// TestReference cross-opens with the reference script: it opens and rewraps
// ours, we open what it sealed and rewrapped.
func TestReference(t *testing.T) {
	a, b := testKey(t, 0), testKey(t, 1)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte) string {
		if err := os.WriteFile(path(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(path(name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	certA, keyA := write("a.crt", pemCert(a)), write("a.key", pemPKCS8(t, a.key))
	certB, keyB := write("b.crt", pemCert(b)), write("b.key", pemPKCS8(t, b.key))

	open := func(file []byte, id *identity) ([]byte, error) {
		p, err := DecodeParams(infoOf(t, file))
		if err != nil {
			t.Fatal(err)
		}
		_, sealed, _ := bytes.Cut(file, []byte{0})
		return openBody([]byte(qvdHead), p, sealed, id)
	}
	for _, n := range []int{0, 65536, 200_000} {
		plain := testBody(n)
		clearFile := write("clear.qvd", append([]byte(qvdHead), plain...))

		if err := reference(t, "seal", clearFile, path("theirs.qvd"), certA, certB); err != nil {
			t.Fatal(err)
		}
		for _, id := range []*identity{a, b} {
			if got, err := open(read("theirs.qvd"), id); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes, sealed by the reference: %v", n, err)
			}
		}
		if err := reference(t, "rewrap", path("theirs.qvd"), path("theirs2.qvd"), keyA, certA, certB); err != nil {
			t.Fatal(err)
		}
		if got, err := open(read("theirs2.qvd"), b); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes, rewrapped by the reference: %v", n, err)
		}

		e, err := Seal([]byte(qvdHead), int64(n), []*Recipient{a.recipient, b.recipient}, Options{Chunk: 1 << 14})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Rewrap([]byte(qvdHead), e.Params(), a, []*Recipient{b.recipient})
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		w := e.Writer(&body)
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			p         Params
			key, cert string
		}{{e.Params(), keyA, certA}, {e.Params(), keyB, certB}, {p, keyB, certB}} {
			head := bytes.Replace([]byte(qvdHead), []byte("<EncryptionInfo>"), []byte("<EncryptionInfo>"+EncodeParams(tt.p)), 1)
			ours := write("ours.qvd", append(head, body.Bytes()...))
			if err := reference(t, "open", ours, path("opened.qvd"), tt.key, tt.cert); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(read("opened.qvd"), append([]byte(qvdHead), plain...)) {
				t.Errorf("%d bytes, sealed here: the reference reads something else", n)
			}
		}
	}
}
