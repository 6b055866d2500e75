package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/arrowio"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// A storeStatement is STORE [fields FROM] table INTO file [(format)].
type storeStatement struct {
	fields []renaming // field AS name; nil = all
	table  string
	path   string
	format string
	delim  string
	pack   string // COMPRESSION IS
}

func parseStore(sc *scanner) (*storeStatement, error) {
	s := &storeStatement{format: "qvd", delim: ","}
	if err := s.what(sc); err != nil {
		return nil, err
	}
	if err := sc.expectWord("INTO"); err != nil {
		return nil, err
	}
	path, ok, err := sc.quoted()
	if err != nil {
		return nil, err
	}
	if !ok {
		path = sc.barePath()
	}
	s.path = path
	if sc.mark('(') {
		if err := s.options(sc); err != nil {
			return nil, err
		}
	}
	return s, sc.finish()
}

// what reads [fields FROM] table; the list may stand in brackets.
func (s *storeStatement) what(sc *scanner) error {
	open := sc.mark('(')
	if sc.mark('*') {
		if open {
			if err := sc.expect(')'); err != nil {
				return err
			}
		}
	} else {
		fields, err := list(sc, func() (renaming, error) {
			name, err := sc.name("a field or table")
			if err != nil {
				return renaming{}, err
			}
			to := name
			if sc.accept("AS") {
				to, err = sc.name("a name")
			}
			return renaming{name, to}, err
		})
		if err != nil {
			return err
		}
		if open {
			if err := sc.expect(')'); err != nil {
				return err
			}
		}
		if !sc.is("FROM") && len(fields) == 1 {
			s.table = fields[0].from
			return nil
		}
		s.fields = fields
	}
	if err := sc.expectWord("FROM"); err != nil {
		return err
	}
	var err error
	s.table, err = sc.name("a table")
	return err
}

// options reads qvd | txt ... [, DELIMITER IS c].
func (s *storeStatement) options(sc *scanner) error {
	for !sc.mark(')') {
		if sc.accept("DELIMITER", "IS") {
			d, err := sc.name("a delimiter")
			if err != nil {
				return err
			}
			s.delim = strings.ReplaceAll(d, `\t`, "\t")
		} else if sc.accept("COMPRESSION", "IS") {
			name, err := sc.name("a compression")
			if err != nil {
				return err
			}
			s.pack = strings.ToLower(name)
		} else {
			name, err := sc.name("a format")
			if err != nil {
				return err
			}
			s.format = strings.ToLower(name)
		}
		if !sc.mark(',') && sc.ahead() != ')' {
			return sc.want(", or ) of the format")
		}
	}
	return nil
}

// runStore writes a table to a file.
func (r *runner) runStore(sc *scanner) error {
	s, err := parseStore(sc)
	if err != nil {
		return err
	}
	t, err := r.storedTable(s)
	if err != nil {
		return err
	}
	path, err := r.resolve(s.path)
	if err != nil {
		return err
	}
	switch s.format {
	case "qvd":
		err = writeFile(path, func(w io.Writer) error { return qvd.Write(r.ctx, w, r.keyed(t), r.qvdOptions(s)) })
	case "txt", "csv":
		err = writeFile(path, func(w io.Writer) error { return r.writeText(w, t, s) })
	case "parquet":
		o := arrowio.WriteOptions{Show: r.show, Compression: s.pack}
		err = writeFile(path, func(w io.Writer) error { return arrowio.WriteParquet(r.ctx, w, t, o) })
	default:
		return fmt.Errorf("STORE as %s is not supported", s.format)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", t.Name, err)
	}
	return nil
}

// qvdOptions returns what a QVD file tells besides its data.
func (r *runner) qvdOptions(s *storeStatement) qvd.WriteOptions {
	return qvd.WriteOptions{
		Show: r.show, Created: r.opt.Now(), CreatorDoc: r.opt.AppID, TableName: s.table, Recipients: r.opt.SealFor,
		Lineage: append(slices.Clone(r.lineage[s.table]), qvd.Lineage{Discriminator: "STORE - " + s.path + ";"}),
	}
}

// keyed returns the table with the fields that other tables have, too, tagged
// as keys.
func (r *runner) keyed(t *storage.Table) *storage.Table {
	out := *t
	out.Columns = slices.Clone(t.Columns)
	for i, c := range out.Columns {
		in := 0
		for _, o := range r.section.Tables() {
			if o.Column(c.Field.Name) != nil {
				in++
			}
		}
		if in > 1 {
			f := renamed(c.Field, c.Field.Name)
			f.Tags = append(slices.Clone(f.Tags), "$key")
			out.Columns[i] = c.Of(f)
		}
	}
	return &out
}

// renamed returns a field of the same values under another name.
func renamed(f *storage.Field, name string) *storage.Field {
	return &storage.Field{Name: name, Symbols: f.Symbols, Format: f.Format, Tags: f.Tags, Comment: f.Comment}
}

// storedTable returns the table with the fields to be stored, under their
// names in the file.
func (r *runner) storedTable(s *storeStatement) (*storage.Table, error) {
	t := r.section.Table(s.table)
	if t == nil {
		return nil, fmt.Errorf("table %q not found", s.table)
	}
	if s.fields == nil {
		return t, nil
	}
	out := *t
	out.Columns = nil
	for _, f := range s.fields {
		c := t.Column(f.from)
		if c == nil {
			return nil, fmt.Errorf("field %q not found in table %s", f.from, t.Name)
		}
		if f.to != f.from {
			c = c.Of(renamed(c.Field, f.to))
		}
		out.Columns = append(out.Columns, c)
	}
	return &out, nil
}

// writeText writes a delimited text: UTF-8 with byte order mark, a line of
// labels, quotes where a cell needs them.
func (r *runner) writeText(w io.Writer, t *storage.Table, s *storeStatement) error {
	b := bufio.NewWriterSize(w, 1<<16)
	_, _ = b.WriteString("\ufeff") // errors stay in b
	for i, name := range t.FieldNames() {
		writeCell(b, i, name, s.delim)
	}
	_, _ = b.WriteString("\r\n")
	texts := make([][]string, len(t.Columns)) // by column and code, as met
	for i, c := range t.Columns {
		texts[i] = make([]string, c.Field.Symbols.Len()+1)
	}
	for row := range t.Rows {
		if row%batchRows == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		for i, c := range t.Columns {
			code := c.Code(row)
			if code != 0 && texts[i][code] == "" {
				texts[i][code] = r.show(c.Field.Value(code))
			}
			writeCell(b, i, texts[i][code], s.delim)
		}
		_, _ = b.WriteString("\r\n")
	}
	return b.Flush()
}

func writeCell(b *bufio.Writer, i int, text, delim string) {
	if i > 0 {
		_, _ = b.WriteString(delim)
	}
	if strings.ContainsAny(text, "\"\r\n") || strings.Contains(text, delim) {
		text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	_, _ = b.WriteString(text)
}

// writeFile replaces a file; others may read it.
func writeFile(path string, write func(io.Writer) error) error {
	var failed error // of the content, which tells no path
	err := safefile.Write(path, func(w io.Writer) error {
		failed = write(w)
		return failed
	})
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return errorWithoutPath(err)
	}
	return errorWithoutPath(os.Chmod(path, 0o644))
}

// errorWithoutPath leaves the machine's path out of an error that users see.
func errorWithoutPath(err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
