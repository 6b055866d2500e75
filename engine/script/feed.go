package script

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage/dual"
)

// colKind says what fills an input of the programs of a stage.
type colKind uint8

const (
	colSource    colKind = iota // a column of the input
	colRecNo                    // number of the input row
	colPrevious                 // prog on the row before
	colIterNo                   // number of the iteration of WHILE
	colSubField                 // a part of SubField(prog, prog2)
	colRowNo                    // number of the row in the table being loaded
	colRowsSoFar                // rows in the table being loaded: RowNo in conditions
)

// A feedCol is an input of the programs of a stage.
type feedCol struct {
	kind  colKind
	src   int    // colSource: column of the input
	key   string // canonical text of the call: equal calls share a column, but for SubField
	prog  *program
	delim *program
	last  dual.Value // colPrevious: value of the row before
}

// A program is a compiled expression with its running state.
type program struct{ run *eval.Run }

// A feed reads the input of one LOAD: it filters and multiplies the rows and
// computes what depends on their order. Its vectors are the inputs of the
// programs of the stage; phases, in the order in which they are filled:
//
//	source columns, RecNo | WHERE | Previous | WHILE: IterNo | SubField | RowNo
type feed struct {
	r     *runner
	in    reader
	index map[string]int // column of the input by field name
	cols  []feedCol
	where *program
	while *program

	top    bool // the LOAD that makes the table
	single bool // batches of one row: everything is filled before WHERE
	serial bool // programs are not to be run in parallel
	needs  bool // something in this stage needs single rows
	// exists and peeks are the fields and tables that functions ask for what
	// is stored; if the load itself stores there it needs single rows.
	exists, peeks []string
	hasWhile      bool

	recNo   int
	pending []dual.Vector // rows that WHILE has still to repeat
	counts  []int32       // how often, by row of pending
	at, rep int           // next row of pending and its next iteration
	batch   source.Batch  // of the input, which the last rows come from, without its columns
}

func newFeed(r *runner, l *load, in reader, top bool) (*feed, error) {
	f := &feed{r: r, in: in, top: top, index: map[string]int{}, hasWhile: l.while != nil}
	for i, name := range in.Fields() {
		f.index[name] = i
	}
	var err error
	if l.where != nil {
		if f.where, err = f.compile(l.where, phaseWhere); err != nil {
			return nil, fmt.Errorf("WHERE: %w", err)
		}
	}
	if l.while != nil {
		if f.while, err = f.compile(l.while, phaseWhile); err != nil {
			return nil, fmt.Errorf("WHILE: %w", err)
		}
	}
	return f, nil
}

// phase says for what an expression is compiled.
type phase uint8

const (
	phaseOutput phase = iota
	phaseWhere
	phaseWhile
)

// compile makes a program of an expression over the rows of the feed.
func (f *feed) compile(n expr.Node, ph phase) (*program, error) {
	p, err := eval.Compile(n, &env{r: f.r, feed: f, phase: ph}, f.r.fn)
	if err != nil {
		return nil, err
	}
	expr.Walk(n, func(n expr.Node) bool {
		if c, ok := n.(*expr.Call); ok {
			if known := fn.Lookup(c.Name); known != nil && known.Volatile {
				f.serial = true
			}
		}
		return true
	})
	return &program{p.Start()}, nil
}

// input returns the number, from 1, of the column, adding it if it is new.
func (f *feed) input(c feedCol) int {
	for i := range f.cols {
		x := &f.cols[i]
		if x.kind == c.kind && x.src == c.src && x.key == c.key && c.kind != colSubField {
			return i + 1
		}
	}
	f.cols = append(f.cols, c)
	return len(f.cols)
}

// field returns the input of a field of the source, 0 if there is none.
func (f *feed) field(name string) int {
	i, ok := f.index[name]
	if !ok {
		return 0
	}
	return f.input(feedCol{kind: colSource, src: i})
}

// next returns the number of the next rows and their inputs. io.EOF is the
// end.
func (f *feed) next(ctx context.Context) (int, []dual.Vector, error) {
	for {
		if f.counts != nil {
			n, vecs, err := f.repeat()
			if err != nil || n > 0 {
				return n, vecs, err
			}
		}
		batch, err := f.in.Next(ctx)
		if err != nil {
			return 0, nil, err
		}
		if batch.Rows == 0 {
			continue
		}
		n, vecs, err := f.rows(batch.Rows, batch.Columns)
		if err != nil {
			return 0, nil, err
		}
		f.batch = source.Batch{Bytes: f.batch.Bytes + batch.Bytes, Total: batch.Total, Free: batch.Free}
		if n == 0 {
			continue
		}
		if f.while != nil {
			f.batch.Free = nil // its rows are needed more than once
			if err := f.startWhile(n, vecs); err != nil {
				return 0, nil, err
			}
			continue
		}
		return f.finish(n, vecs)
	}
}

// consumed makes a batch of what was computed from the rows that next returned
// last.
func (f *feed) consumed(n int, columns []dual.Vector) *source.Batch {
	b := f.batch
	b.Rows, b.Columns = n, columns
	f.batch = source.Batch{}
	return &b
}

// rows fills the first inputs and applies WHERE and Previous.
func (f *feed) rows(n int, columns []dual.Vector) (int, []dual.Vector, error) {
	vecs := make([]dual.Vector, len(f.cols))
	for i := range f.cols {
		switch c := &f.cols[i]; c.kind {
		case colSource:
			vecs[i] = columns[c.src]
		case colRecNo:
			vecs[i] = sequence(f.recNo+1, n, fn.FormatInteger)
		case colRowNo, colRowsSoFar:
			if f.single {
				vecs[i] = f.rowNumbers(c.kind, n)
			}
		case colPrevious:
			if f.single {
				vecs[i] = dual.Constant(c.last, n)
			}
		}
	}
	f.recNo += n
	if f.where != nil {
		v, err := f.where.run.Vector(n, vecs)
		if err != nil {
			return 0, nil, err
		}
		at, all := truths(&v)
		if !all {
			if n = len(at); n == 0 {
				return 0, nil, nil
			}
			vecs = gatherAll(vecs, at)
		}
	}
	return n, vecs, f.previous(n, vecs)
}

// rowNumbers returns the numbers of the next n rows of the table being loaded.
func (f *feed) rowNumbers(kind colKind, n int) dual.Vector {
	first := f.r.rowNo()
	if kind == colRowsSoFar {
		first--
	}
	return sequence(first, n, fn.FormatInteger)
}

// previous fills the inputs of Previous: the values of the argument, shifted
// by a row.
func (f *feed) previous(n int, vecs []dual.Vector) error {
	next := make([]dual.Value, len(f.cols))
	for i := range f.cols {
		c := &f.cols[i]
		if c.kind != colPrevious {
			continue
		}
		v, err := c.prog.run.Vector(n, vecs)
		if err != nil {
			return err
		}
		next[i] = v.At(n - 1)
		if !f.single {
			shifted := make([]dual.Value, n)
			shifted[0] = c.last
			for j := 1; j < n; j++ {
				shifted[j] = v.At(j - 1)
			}
			vecs[i] = dual.Vals(shifted)
		}
	}
	for i := range f.cols {
		if f.cols[i].kind == colPrevious {
			f.cols[i].last = next[i]
		}
	}
	return nil
}

// finish fills the inputs behind WHERE and WHILE.
func (f *feed) finish(n int, vecs []dual.Vector) (int, []dual.Vector, error) {
	for i := range f.cols {
		if f.cols[i].kind != colSubField {
			continue
		}
		var err error
		if n, vecs, err = f.subField(i, n, vecs); err != nil {
			return 0, nil, err
		}
	}
	for i := range f.cols {
		if f.cols[i].kind == colRowNo {
			vecs[i] = f.rowNumbers(colRowNo, n)
		}
	}
	return n, vecs, nil
}

// subField multiplies the rows by the parts of a text.
func (f *feed) subField(col, n int, vecs []dual.Vector) (int, []dual.Vector, error) {
	c := &f.cols[col]
	text, err := c.prog.run.Vector(n, vecs)
	if err != nil {
		return 0, nil, err
	}
	delim, err := c.delim.run.Vector(n, vecs)
	if err != nil {
		return 0, nil, err
	}
	var at []int32
	var parts []dual.Value
	for i := range n {
		t, d := text.At(i), delim.At(i)
		if t.IsNull() || d.IsNull() {
			at, parts = append(at, int32(i)), append(parts, dual.Value{})
			continue
		}
		for _, part := range splitText(f.r.show(t), f.r.show(d)) {
			at, parts = append(at, int32(i)), append(parts, dual.String(part))
		}
		if len(at) > f.r.limits.MaxRows {
			return 0, nil, fmt.Errorf("SubField makes more than %d rows", f.r.limits.MaxRows)
		}
	}
	if len(at) != n {
		vecs = gatherAll(vecs, at)
	}
	vecs[col] = dual.Vals(parts)
	return len(at), vecs, nil
}

// splitText cuts at the delimiter; an empty one does not cut.
func splitText(text, delim string) []string {
	if delim == "" {
		return []string{text}
	}
	return strings.Split(text, delim)
}

// plainTrue reports whether the one value of v is true.
func plainTrue(v *dual.Vector) bool {
	x := v.Num(0)
	return x != 0 && !math.IsNaN(x)
}
