package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Source holds the streams of a catalog at rest.
type Source interface {
	// Size returns the length of a stream, as far as the bytes that are really
	// there prove it.
	Size(stream string) (int64, error)
	// Load returns the stream, checked against its checksum. What it returns
	// never changes and stays as long as the source is reachable. Any number
	// of goroutines may call it.
	Load(stream string) ([]byte, error)
}

// RestoreOptions say how a catalog is restored. The zero value is useful.
type RestoreOptions struct {
	Name string                  // of the source, for errors that are found later
	Show func(dual.Value) string // as in [Catalog]
	// Mapped says that the source's bytes are a mapped file, which takes no
	// memory of the process.
	Mapped bool
	// BytesMax bounds what the streams, a bit for every row and eight bytes for
	// every number of a progression add up to; 0 = no limit but the streams' own
	// sizes.
	BytesMax int64
}

// Restore returns the catalog that [Catalog.AtRest] took apart. Only the
// directory is read; symbols and codes are loaded and checked when they are
// first asked for, and used as they lie in the source. Texts alone are copied,
// as strings may outlive the source.
//
// The bytes are not trusted: what is wrong with the directory is a
// [FormatError] here, what is wrong with a stream is one of [Catalog.Damage]
// later. Nothing but the look-up of a value notices that two symbols are the
// same.
func Restore(directory []byte, src Source, o RestoreOptions) (*Catalog, error) {
	fields, tables, err := parseDirectory(directory)
	if err != nil {
		return nil, err
	}
	if o.BytesMax <= 0 {
		o.BytesMax = math.MaxInt64
	}
	c := NewCatalog(o.Show)
	c.damage = &Damage{name: o.Name}
	r := &restorer{src: src, opt: o, c: c}
	for i := range fields {
		if err := r.field(i, &fields[i]); err != nil {
			return nil, err
		}
	}
	for i := range tables {
		if err := r.table(i, &tables[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

type restorer struct {
	src   Source
	opt   RestoreOptions
	c     *Catalog
	spent int64
}

// size checks that a stream is as long as the directory says.
func (r *restorer) size(block, stream string, want int64) error {
	got, err := r.src.Size(stream)
	if err == nil && got != want {
		err = fmt.Errorf("stream %s of %d bytes, want %d", stream, got, want)
	}
	if err != nil {
		return &FormatError{block, 0, err}
	}
	return r.spend(block, want)
}

func (r *restorer) spend(block string, n int64) error {
	if r.spent += n; r.spent > r.opt.BytesMax {
		return &FormatError{block, 0, fmt.Errorf("%d bytes, more than the limit of %d", r.spent, r.opt.BytesMax)}
	}
	return nil
}

func (r *restorer) field(i int, e *fieldEntry) error {
	block := "symbols of " + strconv.Quote(e.name)
	if r.c.fields[e.name] != nil {
		return &FormatError{block, 0, fmt.Errorf("field %q is there twice", e.name)}
	}
	s := &Symbols{n: e.symbols, plain: e.traits&isPlain != 0, damage: r.c.damage, name: block}
	s.traits.Store(&knownTraits{traitsOf(e.traits), e.symbols})
	s.trim()
	if e.symbols > 0 {
		l := layoutOf(e.symbols, e.traits, e.arena)
		stream := fieldStream(i)
		if err := r.size(block, stream, l.arena); err != nil {
			return err
		}
		if numbersForm(e.traits>>formShift) == asProgression { // 16 bytes say any number of symbols
			if err := r.spend(block, asFloat64.bytes(int64(e.symbols)+1)); err != nil {
				return err
			}
		}
		s.loader.Store(&loader{load: func() { s.restore(r.src, stream, e, r.opt.Mapped) }})
	}
	f := r.c.FieldOf(e.name)
	f.Symbols, f.Format, f.Comment, f.Tags, f.Parts, f.whole = s, e.format, e.comment, e.tags, e.keyOf, true
	return nil
}

// restore fills in the arrays, or leaves all values NULL and reports why.
func (s *Symbols) restore(src Source, stream string, e *fieldEntry, mapped bool) {
	b, err := src.Load(stream)
	l := layoutOf(e.symbols, e.traits, e.arena)
	if err == nil && int64(len(b)) != l.arena {
		err = fmt.Errorf("stream %s of %d bytes, want %d", stream, len(b), l.arena)
	}
	if err == nil {
		x := &Symbols{n: s.n}
		x.take(b, l, e)
		if err = x.verify(); err == nil && x.arrays() != e.traits&^(isPlain|allNumeric|allInteger|allASCII) {
			err = errors.New("not the numbers or texts that the directory says")
		}
		if err == nil && x.Traits() != traitsOf(e.traits) {
			err = fmt.Errorf("the values are %+v, not %+v", x.Traits(), traitsOf(e.traits))
		}
		if err == nil {
			s.nums, s.packed, s.ends, s.arena, s.texted = x.nums, x.packed, x.ends, bytes.Clone(x.arena), x.texted
			s.source, s.mapped = src, mapped
			return
		}
	}
	s.damaged = true
	s.nums = slices.Repeat([]float64{math.NaN()}, s.n+1)
	s.damage.report(&FormatError{s.name, 0, err})
}

// take cuts the arrays out of their stream.
func (s *Symbols) take(b []byte, l symbolsLayout, e *fieldEntry) {
	switch form := numbersForm(e.traits >> formShift); {
	case e.traits&hasNums == 0:
	case form == asFloat64:
		s.nums = view[float64](b[:l.nums])
	default:
		s.packed = takePacked(b[:l.nums], form)
	}
	if e.traits&hasTexts != 0 {
		s.ends = view[uint32](b[aligned(l.nums):l.ends])
		s.texted = view[uint64](b[aligned(l.ends):l.texted])
		s.arena = b[min(aligned(l.texted), l.arena):l.arena]
	}
}

func (r *restorer) table(i int, e *tableEntry) error {
	block := "table " + strconv.Quote(e.name)
	if r.c.Table(e.name) != nil {
		return &FormatError{block, 0, fmt.Errorf("there twice")}
	}
	if err := r.spend(block, int64(e.rows)/8+1); err != nil {
		return err
	}
	t := &Table{Name: e.name, Comment: e.comment, Tags: e.tags, Rows: e.rows, Loose: e.flags&flagLoose != 0, Distinct: e.flags&flagDistinct != 0}
	for j, ce := range e.columns {
		field := r.c.order[ce.field] // the field's number was checked
		col := &Column{Field: field, rows: t.Rows, all: ce.all}
		block := fmt.Sprintf("codes of %q in table %q", field.Name, t.Name)
		if int(ce.all) > field.Symbols.n {
			return &FormatError{block, 0, fmt.Errorf("code %d of %d symbols", ce.all, field.Symbols.n)}
		}
		if ce.width > 0 {
			stream := columnStream(i, j)
			if err := r.size(block, stream, ce.bytes(t.Rows)); err != nil {
				return err
			}
			col.loader.Store(&loader{load: func() { col.restore(r.src, stream, &ce, block, r.opt.Mapped, r.c.damage) }})
		}
		t.Columns = append(t.Columns, col)
	}
	r.c.tables = append(r.c.tables, t)
	return nil
}

// restore fills in the codes, or leaves all rows NULL and reports why.
func (c *Column) restore(src Source, stream string, e *columnEntry, block string, mapped bool, damage *Damage) {
	b, err := src.Load(stream)
	if want := e.bytes(c.rows); err == nil && int64(len(b)) != want {
		err = fmt.Errorf("stream %s of %d bytes, want %d", stream, len(b), want)
	}
	if err == nil {
		switch e.width {
		case 1:
			c.u8, err = inRange[uint8](b, c.Field.Symbols.n)
		case 2:
			c.u16, err = inRange[uint16](b, c.Field.Symbols.n)
		case 4:
			c.u32, err = inRange[uint32](b, c.Field.Symbols.n)
		default:
			c.packed, err = packedInRange(b, int(e.width), c.rows, c.Field.Symbols.n)
		}
	}
	if err != nil {
		damage.report(&FormatError{block, 0, err})
		return
	}
	c.source, c.mapped = src, mapped
}

// inRange returns codes if none of them is above n.
func inRange[T uint8 | uint16 | uint32](b []byte, n int) ([]T, error) {
	codes := view[T](b)
	if err := checkTop(len(codes), uint64(^T(0)), n, func(lo, hi int) uint32 { return uint32(simd.Max(codes[lo:hi])) }); err != nil {
		return nil, err
	}
	return codes, nil
}

// packedInRange returns packed codes if none of them is above n.
func packedInRange(b []byte, width, rows, n int) (simd.Packed, error) {
	p := simd.NewPacked(b, width, rows)
	if err := checkTop(rows, 1<<width-1, n, func(lo, hi int) uint32 {
		part := p.Part(lo, hi)
		return part.Max()
	}); err != nil {
		return simd.Packed{}, err
	}
	return p, nil
}

// checkTop returns an error if some of the codes, which none can be above
// highest, is above n. It asks for the greatest of four parts side by side.
func checkTop(codes int, highest uint64, n int, greatest func(lo, hi int) uint32) error {
	if uint64(n) >= highest {
		return nil
	}
	var tops [4]uint32
	share := (codes/len(tops) + 8) &^ 7
	var wg sync.WaitGroup
	for i := range tops {
		wg.Go(func() { tops[i] = greatest(min(i*share, codes)&^7, min((i+1)*share, codes)) })
	}
	wg.Wait()
	if top := simd.Max(tops[:]); uint64(top) > uint64(n) {
		return fmt.Errorf("code %d of %d symbols", top, n)
	}
	return nil
}
