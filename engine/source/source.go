// Package source reads tables from outside: delimited and fixed text, INLINE
// data, JSON, Excel workbooks, Parquet and Arrow files.
//
// A [Reader] hands over batches of columns, never rows of any. Text is read
// with the number and date formats of a [number.Locale], once per distinct
// text of a batch: a column arrives as codes into a small dictionary, so a
// million rows cost one hash probe per cell. Delimited text is cut at record
// boundaries and parsed on all cores; batches come in the order of the file,
// the same for any number of workers.
//
// Empty cells of text are the empty text, never NULL; sources that know types
// (workbooks, Parquet, Arrow, JSON) give NULL.
//
// What is read is untrusted: records, decompressed sizes, nesting and the
// read-ahead are bounded, and panics of the format libraries become errors
// that name the file.
package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Reader delivers a table in batches of columns. It has one user at a time.
type Reader interface {
	// Fields returns the names of the columns in order: pairwise different,
	// never empty.
	Fields() []string
	// Next returns the next batch, or io.EOF after the last one. The batch
	// belongs to the caller. After an error the reader can only be closed.
	Next(ctx context.Context) (*Batch, error)
	// Close ends the reading, also in the middle, and waits for what the
	// reader started.
	Close() error
}

// A Batch is at most 64 Ki rows of a table.
type Batch struct {
	Rows    int
	Columns []dual.Vector // one per field, each of length Rows
	Bytes   int64         // of the input, as stored, that this batch consumed (for progress)
	Total   int64         // bytes of all of the input; 0 = not known
	// Free, where it is not nil, gives the memory of the columns back to the
	// reader. Who has made something else of all of them may call it, once.
	Free func()
}

// rowsMax is the number of rows of a batch, where cells do not limit it.
const rowsMax = 1 << 16

// cellsMax bounds the cells of a batch, so that a line of many delimiters
// does not make a few bytes into gigabytes.
const cellsMax = 1 << 22

// columnsMax bounds the columns of a table.
const columnsMax = 1 << 14

// LabelMode says where the names of fields come from.
type LabelMode uint8

// Label modes.
const (
	LabelsDefault  LabelMode = iota // embedded; none for fixed records
	LabelsEmbedded                  // the first record
	LabelsExplicit                  // given by the format; read as embedded
	LabelsNone                      // @1, @2 ...; in workbooks A, B ...
)

// QuoteMode says what a double quote means in delimited text.
type QuoteMode uint8

// Quote modes.
const (
	QuotesDefault  QuoteMode = iota // standard; MSQ for a file without a format specification
	QuotesStandard                  // removed where they are the first and last character of a cell, in one line
	QuotesMSQ                       // modern style: as standard, and a quoted cell may span lines
	QuotesNone                      // ordinary characters
)

// A Spec is a format specification: what stands in parentheses behind a file
// name. The zero Spec leaves everything to the file.
type Spec struct {
	Format     string    // txt csv fix ooxml json parquet arrow qvd ..., any case; "" = by content and extension
	Labels     LabelMode // EMBEDDED, EXPLICIT, NO LABELS
	Delimiter  string    // a character, \t, \xNN or SPACES; "" = found out (a comma for INLINE)
	Quotes     QuoteMode
	Charset    string // ansi, oem, mac, utf8, unicode, or a code page number; "" = found out
	Table      string // TABLE IS: sheet of a workbook, path in JSON
	Comment    string // COMMENT IS: lines that start with it are skipped
	NoEOF      bool   // character 26 does not end the text
	RecordLen  int    // RECORD IS n: bytes of a fixed record, 0 = lines
	TabWidth   int    // TAB IS n, in fixed records
	HeaderSize        // HEADER IS n [LINES]

	// Verbatim keeps blanks around texts (SET Verbatim=1).
	Verbatim bool
	// NullInterpret is the text that means NULL, nil if there is none.
	NullInterpret *string
	// Needed names the fields that will be used; nil means all. Columns of
	// other fields are constant NULL, which saves the work of reading them.
	// For fixed records these are the fields (@1:5, @6:n ...).
	Needed []string
	// Dense lets columns of whole numbers come as they are ([dual.Texts]), not
	// as codes, where the text is the default one; but not the fields Coded:
	// what is computed from codes is computed once per value.
	Dense bool
	Coded []string
	// Workers bounds the goroutines that parse; 0 means one per core.
	Workers int
	// Keys open sealed QVD files; nil: there are none.
	Keys crypt.Keys
}

// A HeaderSize is what is skipped before the table: bytes, then lines.
type HeaderSize struct {
	HeaderBytes int
	HeaderLines int
}

// Validate says which part of s makes no sense.
func (s *Spec) Validate() error {
	switch {
	case s.HeaderBytes < 0 || s.HeaderLines < 0:
		return fmt.Errorf("header is %d bytes, %d lines: negative", s.HeaderBytes, s.HeaderLines)
	case s.RecordLen < 0 || s.RecordLen > recordMax:
		return fmt.Errorf("record is %d bytes: not within 0 and %d", s.RecordLen, recordMax)
	case s.TabWidth < 0 || s.TabWidth > 1024:
		return fmt.Errorf("tab is %d: not within 0 and 1024", s.TabWidth)
	}
	return nil
}

func (s *Spec) needs(field string) bool {
	return s.Needed == nil || slices.Contains(s.Needed, field)
}

// Open opens a file. ctx bounds the whole reading, not only the opening.
func Open(ctx context.Context, path string, s Spec, loc *number.Locale) (Reader, error) {
	r, err := open(ctx, path, s, loc)
	if err != nil {
		return nil, named(path, err)
	}
	return &namedReader{path, r}, nil
}

func open(ctx context.Context, path string, s Spec, loc *number.Locale) (r Reader, err error) {
	defer recovered(&err)
	if err := s.Validate(); err != nil {
		return nil, err
	}
	format, err := formatOf(path, s.Format)
	if err != nil {
		return nil, err
	}
	switch format {
	case formatText:
		return openText(ctx, path, s, loc)
	case formatFixed:
		return openFixed(path, s, loc)
	case formatJSON:
		return openJSON(path, s, loc)
	case formatXLSX:
		return openXLSX(path, s, loc)
	case formatParquet, formatArrow:
		return openArrow(ctx, path, s, loc)
	default:
		return openQVD(ctx, path, s)
	}
}

// Glob returns the files that match a pattern with * and ?, sorted by name. A
// name without wildcards is returned as it is, so that opening it can say
// what is wrong with it.
func Glob(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?") {
		return []string{pattern}, nil
	}
	// Only * and ? are wildcards of the language; [ is an ordinary character.
	escaped := strings.ReplaceAll(pattern, "[", `\[`)
	if os.PathSeparator == '\\' { // no escapes there
		escaped = pattern
	}
	names, err := filepath.Glob(escaped)
	if err != nil {
		return nil, fmt.Errorf("file pattern %q: %w", pattern, err)
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err != nil || info.IsDir()
	}), nil
}

// A namedReader puts the file's name before errors and turns panics of format
// libraries into errors.
type namedReader struct {
	path string
	Reader
}

func (r *namedReader) Next(ctx context.Context) (b *Batch, err error) {
	defer func() {
		if err != nil {
			b, err = nil, named(r.path, err)
		}
	}()
	defer recovered(&err)
	return r.Reader.Next(ctx)
}

func (r *namedReader) Close() (err error) {
	defer recovered(&err)
	return r.Reader.Close()
}
