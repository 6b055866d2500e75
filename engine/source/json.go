package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// jsonDepthMax bounds nesting: of the path to the table, and of objects inside
// a record.
const jsonDepthMax = 64

// A jsonReader reads the records of a JSON document: the elements of an array
// of objects, or objects one after the other (JSON lines). TABLE IS names the
// way to the array in a bigger document: names with / or . between them.
//
// The members of a record are its fields; a member of a nested object is named
// outer.inner; an array in a record is its JSON text. Numbers are numbers,
// true and false the duals true/-1 and false/0, null is NULL, texts are read
// like other texts.
//
// The file is read twice: first for the names, which any record may add to.
type jsonReader struct {
	stream *stream
	array  *jsonArray
	fields []string
	at     map[string]int
	needed []bool
	values reading
}

func openJSON(path string, s Spec, loc *number.Locale) (Reader, error) {
	r := &jsonReader{at: map[string]int{}, values: reading{loc, s.NullInterpret, s.Verbatim}}
	if err := r.names(path, &s); err != nil {
		return nil, err
	}
	r.fields = fieldNames(r.fields)
	for _, f := range r.fields {
		r.needed = append(r.needed, s.needs(f))
	}
	var err error
	if r.stream, r.array, err = openArray(path, &s); err != nil {
		return nil, err
	}
	return r, nil
}

func openArray(path string, s *Spec) (*stream, *jsonArray, error) {
	in, err := openStream(path)
	if err != nil {
		return nil, nil, err
	}
	array, err := newJSONArray(in, s)
	if err != nil {
		in.Close()
		return nil, nil, err
	}
	return in, array, nil
}

// names reads all of the file to find the members of its records.
func (r *jsonReader) names(path string, s *Spec) error {
	in, array, err := openArray(path, s)
	if err != nil {
		return err
	}
	defer in.Close()
	for {
		record, err := array.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = members(record, func(name string, _ json.RawMessage) error {
			if _, ok := r.at[name]; !ok {
				if len(r.fields) == columnsMax {
					return fmt.Errorf("more than %d members: %w", columnsMax, ErrFormat)
				}
				r.at[name] = len(r.fields)
				r.fields = append(r.fields, name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// Fields implements [Reader].
func (r *jsonReader) Fields() []string { return r.fields }

// Next implements [Reader].
func (r *jsonReader) Next(ctx context.Context) (*Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	columns := make([]valueColumn, len(r.fields))
	for i := range columns {
		columns[i].reading = &r.values
	}
	limit := min(rowsMax, cellsMax/max(len(columns), 1))
	rows := 0
	for ; rows < limit; rows++ {
		record, err := r.array.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		err = members(record, func(name string, value json.RawMessage) error {
			if i := r.at[name]; r.needed[i] {
				return columns[i].add(rows, value)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if rows == 0 || len(columns) == 0 {
		return nil, io.EOF
	}
	b := &Batch{Rows: rows, Columns: make([]dual.Vector, len(columns)), Bytes: r.stream.taken()}
	for i := range columns {
		b.Columns[i] = columns[i].vector(rows)
	}
	return b, nil
}

// Close implements [Reader].
func (r *jsonReader) Close() error { return r.stream.Close() }

// A valueColumn collects the JSON values of a column as codes, entry 0 of the
// dictionary being NULL.
type valueColumn struct {
	*reading
	codes []uint32
	vals  []dual.Value
	index map[string]uint32
}

// add sets the value of a row; rows between the last one and it are NULL. The
// first of two members of one name counts.
func (c *valueColumn) add(row int, raw json.RawMessage) error {
	if len(c.codes) > row {
		return nil
	}
	if c.index == nil {
		c.index, c.vals = map[string]uint32{}, []dual.Value{{}}
	}
	c.pad(row)
	code, ok := c.index[string(raw)]
	if !ok {
		v, err := c.jsonValue(raw)
		if err != nil {
			return err
		}
		if !v.IsNull() {
			code = uint32(len(c.vals))
			c.vals = append(c.vals, v)
		}
		c.index[string(raw)] = code
	}
	c.codes = append(c.codes, code)
	return nil
}

func (c *valueColumn) pad(rows int) {
	for len(c.codes) < rows {
		c.codes = append(c.codes, 0)
	}
}

func (c *valueColumn) vector(rows int) dual.Vector {
	if c.index == nil {
		return dual.Constant(dual.Value{}, rows)
	}
	c.pad(rows)
	return dual.Coded(c.codes, &dual.Dict{Vals: c.vals})
}

// jsonValue returns the value of a valid JSON text.
func (r *reading) jsonValue(raw json.RawMessage) (dual.Value, error) {
	switch raw[0] {
	case 'n':
		return dual.Value{}, nil
	case 't':
		return dual.New("true", -1), nil
	case 'f':
		return dual.New("false", 0), nil
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return dual.Value{}, err
		}
		if !r.verbatim {
			s = strings.Trim(s, " ")
		}
		return r.value(s), nil
	case '[', '{':
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return dual.Value{}, err
		}
		return dual.String(compact.String()), nil
	}
	if x, err := strconv.ParseFloat(string(raw), 64); err == nil {
		return dual.Number(x), nil
	}
	return dual.String(string(raw)), nil // out of range
}

// A jsonArray iterates over the records of a document.
type jsonArray struct {
	d      *json.Decoder
	single bool // objects one after the other, not in an array
	done   bool
}

func newJSONArray(in io.Reader, s *Spec) (*jsonArray, error) {
	text, err := decode(bufio.NewReaderSize(in, sniffBytes), s.Charset)
	if err != nil {
		return nil, err
	}
	a := &jsonArray{d: json.NewDecoder(text)}
	first, err := firstByte(text)
	if err == io.EOF {
		a.single = true
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	path := jsonPath(s.Table)
	if len(path) > jsonDepthMax {
		return nil, fmt.Errorf("table %q: path of more than %d names", s.Table, jsonDepthMax)
	}
	if first == '{' && len(path) == 0 {
		a.single = true
		return a, nil
	}
	for _, name := range path {
		if err := a.enter(name); err != nil {
			return nil, fmt.Errorf("table %q: %w", s.Table, err)
		}
	}
	t, err := a.d.Token()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, fmt.Errorf("table %q: %v where an array of objects was expected: %w", s.Table, t, ErrFormat)
	}
	return a, nil
}

// jsonPath splits the name of a table. The root is written as nothing, as root
// or as $.
func jsonPath(table string) []string {
	names := strings.FieldsFunc(table, func(r rune) bool { return r == '/' || r == '.' })
	if len(names) > 0 && (strings.EqualFold(names[0], "root") || names[0] == "$") {
		names = names[1:]
	}
	return names
}

func firstByte(text *bufio.Reader) (byte, error) {
	for {
		c, err := text.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, text.UnreadByte()
		}
	}
}

// enter moves the decoder to the value of a member of the object it is before.
func (a *jsonArray) enter(name string) error {
	t, err := a.d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("%v where an object was expected: %w", t, ErrFormat)
	}
	for a.d.More() {
		key, err := a.d.Token()
		if err != nil {
			return err
		}
		if key == name {
			return nil
		}
		var skipped json.RawMessage
		if err := a.d.Decode(&skipped); err != nil {
			return err
		}
	}
	return fmt.Errorf("no member %q: %w", name, ErrFormat)
}

// next returns the JSON text of the next record, or io.EOF.
func (a *jsonArray) next() (json.RawMessage, error) {
	if a.done {
		return nil, io.EOF
	}
	if !a.single && !a.d.More() {
		a.done = true
		if _, err := a.d.Token(); err != nil {
			return nil, noEOF(err)
		}
		return nil, io.EOF
	}
	var record json.RawMessage
	if err := a.d.Decode(&record); err != nil {
		if a.single {
			return nil, err
		}
		return nil, noEOF(err)
	}
	return record, nil
}

// noEOF keeps the end of a document that is cut off from looking like the end
// of the records.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
