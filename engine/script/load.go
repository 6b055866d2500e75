package script

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// runLoad runs a load statement with the preceding loads below it. A file name
// with wildcards is as many loads as there are files.
func (r *runner) runLoad(c *cursor, s *statement) error {
	l, err := parseLoad(s)
	if err != nil {
		return err
	}
	bottom := l
	for bottom.source.kind == fromBelow {
		next, err := r.after(c)
		if err != nil {
			return err
		}
		if bottom.below, err = parseLoad(next); err != nil {
			return errorIn(next, err)
		}
		bottom = bottom.below
		if l.label == "" {
			l.label = bottom.label
		}
	}
	if !r.takesPart(l) {
		r.leaveOut(l)
		return nil
	}
	files, err := r.files(&bottom.source)
	if err != nil {
		return err
	}
	r.file = files[0]
	r.replace(l, bottom)
	for _, f := range files {
		r.file = f
		if err := r.loadOne(l, bottom); err != nil {
			return err
		}
		r.trace(bottom)
	}
	r.file = fileInfo{}
	return nil
}

// lineageMax bounds what is remembered of the origin of a table.
const lineageMax = 1000

// trace notes where the rows of the table changed last came from.
func (r *runner) trace(l *load) {
	from := qvd.Lineage{}
	switch l.source.kind {
	case fromFile:
		from.Discriminator = r.file.shown + ";"
	case fromInline:
		from.Discriminator = "INLINE;"
	case fromNothing:
		from.Discriminator = "AUTOGENERATE;"
	case fromTable:
		from.Discriminator = "RESIDENT " + l.source.path + ";"
	case fromDatabase:
		from.Discriminator, from.Statement = "Provider;", l.source.text
	}
	if list := r.lineage[r.last]; len(list) < lineageMax && !slices.Contains(list, from) {
		r.lineage[r.last] = append(list, from)
	}
}

// files returns the files that a load reads; one without a name if it reads
// something else.
func (r *runner) files(src *loadSource) ([]fileInfo, error) {
	if src.kind != fromFile {
		return []fileInfo{{}}, nil
	}
	full, err := r.resolve(src.path)
	if err != nil {
		return nil, err
	}
	names, err := source.Glob(full)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no file matches %q", src.path)
	}
	out := make([]fileInfo, len(names))
	for i, name := range names {
		shown := src.path
		if strings.ContainsAny(src.path, "*?") {
			shown = src.path[:strings.LastIndexAny(src.path, `/\`)+1] + filepath.Base(name)
		}
		out[i] = fileInfo{shown, name}
	}
	return out, nil
}

// loadOne runs a load on one source.
func (r *runner) loadOne(l, bottom *load) error {
	label := l.label
	if label == "" {
		label = r.defaultName(&bottom.source)
	}
	if l.prefix.buffer != nil && r.opt.BufferDir != "" {
		return r.loadBuffered(l, bottom, label)
	}
	for _, byCodes := range []func(*load, string) (bool, error){r.loadOptimised, r.loadResident} {
		if done, err := byCodes(l, label); done || err != nil {
			return err
		}
	}
	in, err := r.open(bottom, bottom == l)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // what was read is what counts
	p := &pipeline{r: r}
	out, err := p.all(l, in)
	if err != nil {
		return err
	}
	return r.storeLoad(l, label, p, out)
}

// all makes the stages of a load and of its prefixes.
func (p *pipeline) all(l *load, in reader) (reader, error) {
	p.r.outputs, p.r.outputsStar = outputNames(l)
	out, err := p.build(l, in, true)
	for i := len(l.prefix.transforms) - 1; i >= 0 && err == nil; i-- {
		out, err = l.prefix.transforms[i].apply(p.r, out)
	}
	return out, err
}

// outputNames returns the fields that a load stores, as far as it says so;
// star is set if it takes over others.
func outputNames(l *load) (names map[string]bool, star bool) {
	names = map[string]bool{}
	for _, f := range l.fields {
		names[f.name] = true
		star = star || f.star
	}
	return names, star || len(l.prefix.transforms) > 0
}

// storeLoad puts the rows of a load where its prefixes say.
func (r *runner) storeLoad(l *load, label string, p *pipeline, in reader) error {
	if l.prefix.mapping {
		return r.storeMapping(label, p.rowwise(in, nil, ""))
	}
	if l.prefix.generic {
		return r.storeGeneric(label, l.label == "" && r.section.Table(label) != nil, p.rowwise(in, nil, ""))
	}
	fin := r.finished(in, label)
	switch l.prefix.mode {
	case storeJoin, storeKeep:
		return r.storeJoined(l, label, p.rowwise(fin, fin.Fields(), label))
	}
	name, old, err := r.target(l, label, fin.Fields())
	if err != nil {
		return err
	}
	return r.storeRows(name, old, l.distinct, p.watch(fin.Fields()), p.rowwise(fin, fin.Fields(), name))
}

// defaultName is the name of a table that has no label.
func (r *runner) defaultName(src *loadSource) string {
	switch src.kind {
	case fromInline:
		return "INLFED"
	case fromNothing:
		return src.clause
	case fromTable:
		return src.path
	case fromFile:
		if src.spec.Table != "" && !strings.HasPrefix(src.spec.Table, "@") {
			return src.spec.Table
		}
		base := filepath.Base(r.file.full)
		return strings.TrimSuffix(base, filepath.Ext(base))
	}
	return "Table"
}

// open opens the source of a load. top says that no other load reads its rows.
func (r *runner) open(l *load, top bool) (reader, error) {
	src := &l.source
	spec := src.spec.Spec
	spec.Verbatim = r.vars.number("Verbatim") == 1
	if v, ok := r.vars.get("NullInterpret"); ok {
		null := r.show(v)
		spec.NullInterpret = &null
	}
	switch src.kind {
	case fromInline:
		return source.Inline(src.text, spec, r.fn.Locale)
	case fromFile:
		spec.Needed, spec.Keys = neededFields(l), r.opt.Keys
		spec.Dense, spec.Coded = top && len(l.prefix.transforms) == 0, computedFields(l)
		return source.Open(r.ctx, r.file.full, spec, r.fn.Locale)
	case fromTable:
		return r.openTable(l)
	case fromNothing:
		v, err := r.compute(src.count)
		if err != nil {
			return nil, err
		}
		n := r.fn.Locale.Num(v)
		switch {
		case math.IsNaN(n):
			n = 0
		case n > float64(r.limits.MaxRows):
			return nil, fmt.Errorf("AUTOGENERATE of %s rows", r.show(v))
		}
		return &nothingReader{max(0, int(math.Trunc(n)))}, nil
	case fromDatabase:
		if r.opt.Query == nil || r.connect == "" {
			return nil, errors.New("SELECT: there is no database connection")
		}
		return r.opt.Query(r.ctx, r.connect, src.text)
	}
	return nil, errors.New("LOAD without a source")
}

// openTable opens a resident table in the order wanted.
func (r *runner) openTable(l *load) (reader, error) {
	t := r.section.Table(l.source.path)
	if t == nil {
		return nil, fmt.Errorf("table %q not found", l.source.path)
	}
	order, err := r.sortRows(t, l.orderBy)
	if err != nil {
		return nil, err
	}
	return newTableReader(t, order), nil
}

// A pipeline is the stages of a load, the lowest first.
type pipeline struct {
	r     *runner
	feeds []*feed
}

// build makes the stages of l and what it stands on.
func (p *pipeline) build(l *load, in reader, top bool) (reader, error) {
	if l.below != nil {
		var err error
		if in, err = p.build(l.below, in, false); err != nil {
			return nil, errorIn(l.below.stmt, err)
		}
	}
	in, err := p.r.limited(l, in)
	if err != nil {
		return nil, err
	}
	fields, err := outputFields(l, in)
	if err != nil {
		return nil, err
	}
	if len(fields) > p.r.limits.MaxFields {
		return nil, fmt.Errorf("%d fields, at most %d are possible", len(fields), p.r.limits.MaxFields)
	}
	f, err := newFeed(p.r, l, in, top && len(l.prefix.transforms) == 0)
	if err != nil {
		return nil, err
	}
	p.feeds = append(p.feeds, f)
	var out reader
	if isGrouped(l, fields) {
		out, err = newGroupStage(l, f, fields)
	} else {
		f.needs = f.needs || numbersInOrder(fields)
		out, err = newStage(f, fields)
	}
	if err != nil {
		return nil, err
	}
	if l.distinct && (!top || l.prefix.mode == storeJoin || l.prefix.mode == storeKeep || len(l.prefix.transforms) > 0 || l.prefix.generic) {
		out = &distinctReader{reader: out, r: p.r}
	}
	return out, nil
}

// limited applies FIRST and SAMPLE.
func (r *runner) limited(l *load, in reader) (reader, error) {
	if l.prefix.first != nil {
		v, err := r.compute(l.prefix.first)
		if err != nil {
			return nil, err
		}
		n := r.fn.Locale.Num(v)
		if math.IsNaN(n) {
			return nil, fmt.Errorf("FIRST: %q is no number", r.show(v))
		}
		in = &limitReader{in, int(max(0, min(n, math.MaxInt32)))}
	}
	if l.prefix.sample != nil {
		v, err := r.compute(l.prefix.sample)
		if err != nil {
			return nil, err
		}
		p := r.fn.Locale.Num(v)
		if !(p > 0 && p <= 1) {
			return nil, fmt.Errorf("SAMPLE: %q is not within 0 and 1", r.show(v))
		}
		in = &sampleReader{in, p, r.opt.Rand}
	}
	return in, nil
}

// rowwise puts the pipeline into single rows if one of its functions needs
// that: it looks at the rows that the load itself stores in the named fields
// and table.
func (p *pipeline) rowwise(out reader, fields []string, table string) reader {
	stored := map[string]bool{}
	for _, f := range fields {
		stored[f] = true
	}
	single := p.r.single
	for _, f := range p.feeds {
		single = single || f.needs
		for _, name := range f.exists {
			single = single || stored[name]
		}
		for _, name := range f.peeks {
			single = single || name == table
		}
	}
	if single {
		for _, f := range p.feeds {
			f.single = true
			f.in = &singleReader{reader: f.in}
		}
	}
	return out
}

// watch returns the fields whose stored values Exists asks for.
func (p *pipeline) watch(fields []string) []string {
	var out []string
	for _, f := range p.feeds {
		for _, name := range f.exists {
			for _, own := range fields {
				if own == name {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// target returns the table that the rows of a load go to: an existing one,
// old, or a new one by its name.
func (r *runner) target(l *load, label string, fields []string) (name string, old *storage.Table, err error) {
	switch l.prefix.mode {
	case storeConcatenate:
		t, err := r.prefixTarget(l)
		if err != nil {
			return "", nil, err
		}
		return t.Name, t, nil
	case storeAuto:
		for _, t := range r.section.Tables() {
			if t.SameFields(fields) {
				return t.Name, t, nil
			}
		}
	}
	return r.freeName(label), nil, nil
}

// prefixTarget returns the table that a prefix names, else the last one.
func (r *runner) prefixTarget(l *load) (*storage.Table, error) {
	name := l.prefix.table
	if name == "" {
		name = r.lastTable()
	}
	if t := r.section.Table(name); t != nil {
		return t, nil
	}
	if name == "" {
		return nil, errors.New("there is no table yet")
	}
	return nil, fmt.Errorf("table %q not found", name)
}

// lastTable returns the table that was loaded last and is still there.
func (r *runner) lastTable() string {
	if tables := r.section.Tables(); r.section.Table(r.last) == nil && len(tables) > 0 {
		return tables[len(tables)-1].Name
	}
	return r.last
}

// freeName returns name, or name-1, name-2 ... if it is taken.
func (r *runner) freeName(name string) string {
	free := name
	for i := 1; r.section.Table(free) != nil; i++ {
		free = fmt.Sprintf("%s-%d", name, i)
	}
	return free
}

// A distinctReader delivers the different rows of another reader.
type distinctReader struct {
	reader
	r     *runner
	table *tableReader
}

// Next implements [source.Reader].
func (d *distinctReader) Next(ctx context.Context) (*source.Batch, error) {
	if d.table == nil {
		t, err := source.ReadAll(ctx, storage.NewCatalog(d.r.show), "", d.reader)
		if err != nil {
			return nil, err
		}
		d.table = newTableReader(t, distinctRows(t))
	}
	return d.table.Next(ctx)
}

// distinctRows returns the rows of t that differ from all rows before them.
func distinctRows(t *storage.Table) []uint32 {
	ids := make([]uint32, t.Rows)
	n := 1
	var codes []uint32
	for i, c := range t.Columns {
		if i == 0 {
			c.Codes(ids, 0)
			n = c.Field.Symbols.Len() + 1
			continue
		}
		codes = resized(codes, t.Rows)
		c.Codes(codes, 0)
		var pairs pairTable
		pairs.number(ids, codes)
		n = pairs.n
	}
	seen := make([]bool, n)
	var rows []uint32
	for i, id := range ids {
		if !seen[id] {
			seen[id] = true
			rows = append(rows, uint32(i))
		}
	}
	return rows
}

// nullVector is n times NULL.
func nullVector(n int) dual.Vector { return dual.Constant(dual.Value{}, n) }
