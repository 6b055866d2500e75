package telemetry

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// signatureSuffix ends the name of the signature of a rolled file.
const signatureSuffix = ".sig"

// sign signs a file that was rolled over.
func (a *Audit) sign(path string) {
	if a.o.Signer == nil {
		return
	}
	err := func() error {
		last, err := lastRow(path)
		if err != nil {
			return err
		}
		_, sum := cutChecksum(last)
		text := base64.StdEncoding.EncodeToString(a.o.Signer.Sign(signed(path, sum)))
		return os.WriteFile(path+signatureSuffix, []byte(text+"\n"), 0o640)
	}()
	if err != nil {
		a.o.Failed(fmt.Errorf("sign %s: %w", path, err))
	}
}

// signed is what a signature is of: the name and the last checksum, which
// covers all rows of the file and of those before.
func signed(path, sum string) []byte {
	return []byte("cognate audit log\n" + filepath.Base(path) + "\n" + sum)
}

// ErrTampered marks a log that somebody changed.
var ErrTampered = errors.New("the log was changed")

// A Verified is what [Verify] has seen.
type Verified struct {
	Files, Rows, Signatures int
}

// Verify looks whether an audit security log, named by the path of the file
// that is written, is as it was written: no row changed, missing or added, also
// not a whole file between others. Some of its files may be in a folder of
// archived ones ("" = none); from the oldest on they may be missing, as somebody
// deletes them some day. With a key every rolled file must be signed. The error
// names file and row and wraps [ErrTampered].
func Verify(path, archived string, key ed25519.PublicKey) (v Verified, err error) {
	files, err := logFiles(path, archived)
	if err != nil {
		return v, err
	}
	sum, known := "", false
	for _, file := range files {
		n, last, err := verifyFile(file, sum, known)
		if err != nil {
			return v, err
		}
		v.Files++
		v.Rows += n
		if n > 0 {
			sum, known = last, true
		}
		if key == nil || file == path {
			continue
		}
		if err := verifySignature(file, last, key); err != nil {
			return v, err
		}
		v.Signatures++
	}
	return v, nil
}

// verifyFile checks the rows of a file. The first one follows on sum, if that
// is known.
func verifyFile(path, sum string, known bool) (rows int, last string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }() // only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, rowMax)
	if !lines.Scan() || lines.Text() != strings.Join(securityColumns, "\t") {
		return 0, "", fmt.Errorf("%w: %s: row 0 has no names of columns", ErrTampered, path)
	}
	for lines.Scan() {
		rows++
		row, have := cutChecksum(lines.Text())
		if known && checksum(sum, row) != have {
			return rows, "", fmt.Errorf("%w: %s: row %d does not follow on the row before", ErrTampered, path, rows)
		}
		sum, known = have, true
	}
	if err := lines.Err(); err != nil {
		return rows, "", fmt.Errorf("%s: %w", path, err)
	}
	return rows, sum, nil
}

func verifySignature(path, sum string, key ed25519.PublicKey) error {
	text, err := os.ReadFile(path + signatureSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is not signed", ErrTampered, path)
	}
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || !ed25519.Verify(key, signed(path, sum), signature) {
		return fmt.Errorf("%w: the signature of %s is not valid", ErrTampered, path)
	}
	return nil
}
