package telemetry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A chain is the checksums of a log: that of a row is the hash of the checksum
// before it and of the row.
type chain struct{ last, before string }

// seal adds the checksum to a row.
func (c *chain) seal(dst *[]byte, row []byte) {
	c.before, c.last = c.last, checksum(c.last, string(row))
	*dst = append(append(row, '\t'), c.last...)
}

// unseal takes the last row back.
func (c *chain) unseal() { c.last = c.before }

func checksum(before, row string) string {
	sum := sha256.Sum256([]byte(before + "\n" + row))
	return hex.EncodeToString(sum[:])
}

// goOn takes the checksum of the last row that an earlier process wrote.
func (c *chain) goOn(path, archived string) error {
	files, err := logFiles(path, archived)
	if err != nil {
		return err
	}
	for _, file := range slices.Backward(files) {
		row, err := lastRow(file)
		if err != nil {
			return err
		}
		if row != "" {
			_, c.last = cutChecksum(row)
			return nil
		}
	}
	return nil
}

// cutChecksum parts a row from its checksum.
func cutChecksum(row string) (rest, sum string) {
	at := strings.LastIndexByte(row, '\t')
	if at < 0 {
		return row, ""
	}
	return row[:at], row[at+1:]
}

// logFiles returns the files of a log, the oldest first: those rolled over, some
// of them in a folder of archived ones ("" = none), then the one that is written.
func logFiles(path, archived string) ([]string, error) {
	pattern := strings.TrimSuffix(path, ".txt") + "_*" + rolledSuffix
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if archived != "" { // looked at last: what is moved meanwhile is seen twice rather than not at all
		more, err := filepath.Glob(filepath.Join(archived, filepath.Base(pattern)))
		if err != nil {
			return nil, err
		}
		files = append(more, files...)
	}
	// 120000Z comes before 120000-001Z, which bytes would order the other way.
	order := func(path string) string { return strings.Replace(filepath.Base(path), rolledSuffix, " ", 1) }
	slices.SortStableFunc(files, func(a, b string) int { return strings.Compare(order(a), order(b)) })
	files = slices.CompactFunc(files, func(a, b string) bool { return order(a) == order(b) })
	if _, err := os.Stat(path); err == nil {
		files = append(files, path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return files, nil
}
