package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A format is a way of reading a file.
type format uint8

const (
	formatText format = iota
	formatFixed
	formatJSON
	formatXLSX
	formatParquet
	formatArrow
	formatQVD
)

var formatNames = map[string]format{
	"txt": formatText, "csv": formatText, "text": formatText, "fix": formatFixed,
	"json": formatJSON, "ooxml": formatXLSX, "xlsx": formatXLSX,
	"parquet": formatParquet, "arrow": formatArrow, "ipc": formatArrow, "feather": formatArrow, "qvd": formatQVD,
}

var formatExtensions = map[string]format{
	".csv": formatText, ".txt": formatText, ".tsv": formatText, ".tab": formatText, ".skv": formatText, ".log": formatText,
	".json": formatJSON, ".jsonl": formatJSON, ".ndjson": formatJSON, ".xlsx": formatXLSX, ".xlsm": formatXLSX,
	".parquet": formatParquet, ".arrow": formatArrow, ".feather": formatArrow, ".qvd": formatQVD,
}

// formatOf returns the format of a name in a specification; without one that
// of the content, of the extension, else text.
func formatOf(path, name string) (format, error) {
	if name != "" {
		f, ok := formatNames[strings.ToLower(name)]
		if !ok {
			return 0, fmt.Errorf("format %q is not supported", name)
		}
		return f, nil
	}
	head, err := firstBytes(path, 8)
	if err != nil {
		return 0, err
	}
	base := strings.ToLower(path)
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".zst")
	switch {
	case bytes.HasPrefix(head, []byte("PAR1")):
		return formatParquet, nil
	case bytes.HasPrefix(head, []byte("ARROW1")):
		return formatArrow, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return formatXLSX, nil
	}
	return formatExtensions[filepath.Ext(base)], nil
}

func firstBytes(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, n)
	read, err := io.ReadFull(f, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:read], err
}

// detectDelimiter returns the delimiter of a text: of tab, semicolon, comma
// and bar the one that occurs in most of the first lines equally often, and
// the most often of those; a comma if none does. What is inside quotes does
// not count.
func detectDelimiter(sample []byte, newline byte) string {
	const linesMax = 50
	candidates := []byte("\t;,|")
	best, bestScore := byte(','), 0
	for _, c := range candidates {
		counts := delimiterCounts(sample, c, newline, linesMax)
		if len(counts) == 0 || counts[0] == 0 {
			continue
		}
		agree := 0
		for _, n := range counts {
			if n == counts[0] {
				agree++
			}
		}
		if score := agree*1000/len(counts)*1000 + min(counts[0], 999); score > bestScore {
			best, bestScore = c, score
		}
	}
	return string(best)
}

// delimiterCounts counts c in each of the first lines that are not empty. A
// line that the sample cuts off is left out if there are others.
func delimiterCounts(sample []byte, c, newline byte, linesMax int) []int {
	var counts []int
	n, length, quoted := 0, 0, false
	for _, b := range sample {
		switch {
		case b == newline && !quoted:
			if length > 0 {
				counts = append(counts, n)
			}
			if n, length = 0, 0; len(counts) == linesMax {
				return counts
			}
			continue
		case b == '"':
			quoted = !quoted
		case b == c && !quoted:
			n++
		}
		if b != '\r' {
			length++
		}
	}
	if length > 0 && len(counts) == 0 {
		counts = append(counts, n)
	}
	return counts
}
