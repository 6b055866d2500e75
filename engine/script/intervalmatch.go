package script

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// prefixIntervalMatch reads INTERVALMATCH (matchfield {, keyfield}).
func prefixIntervalMatch(sc *scanner, l *load, _ string) error {
	if err := sc.expect('('); err != nil {
		return err
	}
	names, err := sc.names("a field")
	if err != nil {
		return err
	}
	l.prefix.transforms = append(l.prefix.transforms, &intervalMatch{match: names[0], keys: names[1:]})
	return sc.expect(')')
}

// An intervalMatch links discrete values that are loaded already to the
// intervals that its input lists: start, end and key fields.
type intervalMatch struct {
	match string
	keys  []string
}

// A point is a discrete value with the values of the key fields beside it.
type point struct {
	num  float64
	code uint32
}

func (m *intervalMatch) apply(r *runner, in reader) (reader, error) {
	if len(in.Fields()) != 2+len(m.keys) {
		return nil, fmt.Errorf("INTERVALMATCH wants start, end and %d key fields, there are %d fields", len(m.keys), len(in.Fields()))
	}
	intervals, err := source.ReadAll(r.ctx, storage.NewCatalog(r.show), "", in)
	if err != nil {
		return nil, err
	}
	field, points, err := m.points(r)
	if err != nil {
		return nil, err
	}
	var rows []uint32
	var values []uint32
	for i := range intervals.Rows {
		k, ok := keyText(intervals.Columns[2:], i)
		if !ok {
			continue
		}
		for _, p := range inInterval(points[k], bound(intervals.Columns[0], i, math.Inf(-1)), bound(intervals.Columns[1], i, math.Inf(1))) {
			rows, values = append(rows, uint32(i)), append(values, p.code)
		}
		if len(rows) > r.limits.MaxRows {
			return nil, fmt.Errorf("INTERVALMATCH makes more than %d rows", r.limits.MaxRows)
		}
	}
	out := &valuesReader{}
	out.add(m.match, dual.Coded(values, field.Dict()))
	for _, c := range intervals.Select(rows).Columns {
		out.add(c.Field.Name, tableColumn(c))
	}
	return out, out.check()
}

// bound returns the number of an interval's end; NULL is open.
func bound(c *storage.Column, row int, open float64) float64 {
	code := c.Code(row)
	if code == 0 {
		return open
	}
	return c.Field.Symbols.Number(code)
}

// keyText returns the key values of a row as one text; false if one is NULL.
func keyText(columns []*storage.Column, row int) (string, bool) {
	text := ""
	for _, c := range columns {
		code := c.Code(row)
		if code == 0 {
			return "", false
		}
		k := keyOf(c.Field.Symbols.Value(code))
		text += fmt.Sprintf("%v %g %d %s ", k.isNum, k.num, len(k.text), k.text)
	}
	return text, true
}

// points returns the numeric values of the match field by key, sorted.
func (m *intervalMatch) points(r *runner) (*storage.Field, map[string][]point, error) {
	field, codes := r.codes(m.match)
	if field == nil {
		return nil, nil, fmt.Errorf("INTERVALMATCH: field %q is not loaded", m.match)
	}
	points := map[string][]point{}
	if len(m.keys) == 0 {
		for _, c := range codes {
			points[""] = append(points[""], point{field.Symbols.Number(c), c})
		}
	} else if err := m.keyedPoints(r, points); err != nil {
		return nil, nil, err
	}
	for k, list := range points {
		list = slices.DeleteFunc(list, func(p point) bool { return math.IsNaN(p.num) })
		slices.SortFunc(list, func(a, b point) int { return cmp.Compare(a.num, b.num) })
		points[k] = slices.Compact(list)
	}
	return field, points, nil
}

// keyedPoints reads the values with their keys from the tables that have
// both.
func (m *intervalMatch) keyedPoints(r *runner, points map[string][]point) error {
	found := false
	for _, t := range r.section.Tables() {
		match := t.Column(m.match)
		var keys []*storage.Column
		for _, k := range m.keys {
			if c := t.Column(k); c != nil {
				keys = append(keys, c)
			}
		}
		if match == nil || len(keys) != len(m.keys) {
			continue
		}
		found = true
		for row := range t.Rows {
			if k, ok := keyText(keys, row); ok && match.Code(row) != 0 {
				code := match.Code(row)
				points[k] = append(points[k], point{match.Field.Symbols.Number(code), code})
			}
		}
	}
	if !found {
		return fmt.Errorf("INTERVALMATCH: no table has the field %q and all key fields", m.match)
	}
	return nil
}

// inInterval returns the points from lo to hi, both included.
func inInterval(points []point, lo, hi float64) []point {
	if math.IsNaN(lo) || math.IsNaN(hi) {
		return nil
	}
	from := sort.Search(len(points), func(i int) bool { return points[i].num >= lo })
	to := sort.Search(len(points), func(i int) bool { return points[i].num > hi })
	return points[from:max(from, to)]
}
