package script

import (
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// numbersInOrder reports whether AutoNumber has to see the rows one by one:
// several calls number row by row, and one inside another function may not be
// asked for every row.
func numbersInOrder(fields []loadField) bool {
	n, nested := 0, false
	for _, f := range fields {
		expr.Walk(f.node, func(x expr.Node) bool {
			if c, ok := x.(*expr.Call); ok && isAutoNumber(c.Name) {
				n++
				nested = nested || x != f.node
			}
			return true
		})
	}
	return n > 1 || nested
}

func isAutoNumber(name string) bool {
	f := []rune(name)
	return len(f) >= 10 && strings.EqualFold(string(f[:10]), "autonumber")
}

// runAutoNumber is AUTONUMBER fields [USING id]: the values of the fields
// become whole numbers. Fields of one id share a numbering.
func (r *runner) runAutoNumber(sc *scanner) error {
	patterns, err := sc.patterns("a field")
	if err != nil {
		return err
	}
	id := ""
	if sc.accept("USING") {
		if id, err = sc.name("an id"); err != nil {
			return err
		}
	}
	if err := sc.finish(); err != nil {
		return err
	}
	shared := &series{map[key]float64{}}
	if id != "" {
		shared = r.seriesOf("\x00field " + id)
	}
	for _, name := range r.fieldNames() {
		if !matches(patterns, name) {
			continue
		}
		numbering := shared
		if id == "" {
			numbering = &series{map[key]float64{}}
		}
		if err := r.numberField(r.section.Field(name), numbering); err != nil {
			return err
		}
	}
	r.builders = map[string]openBuilder{}
	r.changed()
	return nil
}

// numberField replaces the values of a field by numbers, in load order. Codes
// stay: the n-th value becomes the n-th number.
func (r *runner) numberField(f *storage.Field, numbering *series) error {
	live := r.liveOf(f)
	symbols := &storage.Symbols{}
	spare := -1.0 // values that no table uses keep their place as negative numbers
	for code := 1; code <= f.Symbols.Len(); code++ {
		x := spare
		if code < len(live) && live[code] != 0 {
			x = numbering.number(f.Symbols.Value(uint32(code)))
		} else {
			spare--
		}
		if _, err := symbols.Code(dual.Number(x)); err != nil {
			return err
		}
	}
	f.Symbols = symbols
	format := *fn.FormatCounter
	f.Format = &format
	return nil
}
