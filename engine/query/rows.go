package query

import (
	"context"
	"fmt"
	"slices"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/dual"
)

// look fixes what the jobs of the scan look at: fields, dimensions and
// groupings.
func (s *scan) look() {
	s.dims, s.at, s.fields, s.wants, s.jobAt = nil, nil, nil, nil, nil
	s.col = map[*model.Field]int{}
	for _, j := range s.jobs {
		for _, f := range j.fields {
			s.column(f)
		}
		for _, a := range j.aggrs {
			for _, f := range a.fields {
				s.column(f)
			}
		}
		for _, p := range j.dims {
			if !slices.Contains(s.at, p) {
				s.at = append(s.at, p)
			}
		}
	}
	slices.Sort(s.at)
	for _, p := range s.at {
		d := s.planner.dims[p]
		s.dims = append(s.dims, d)
		for _, f := range d.fields() {
			s.column(f)
		}
	}
	for _, j := range s.jobs {
		s.jobAt = append(s.jobAt, [2]int{s.want(j.dims), s.want(nil)})
	}
}

// sameRecords reports whether the rows of one of the record tables stand for
// all records: rows of the other tables without a partner must not count.
func (s *scan) sameRecords() bool {
	if len(s.from) < 2 {
		return true
	}
	for _, j := range s.jobs {
		if !j.nullStrict() {
			return false
		}
	}
	return true
}

// makeRows lists the combinations of dimension values: the possible ones of
// the state and those for which some aggregation has records. Dimensions of
// unlinked tables form the cartesian product.
func (p *planner) makeRows(g *Grid) error {
	if len(p.dims) == 0 {
		g.N = 1
		return nil
	}
	onlyData, err := p.onlyData(g)
	if err != nil {
		return err
	}
	var parts []*part
	for _, positions := range p.islands() {
		part := p.newPart(positions)
		if !onlyData {
			if part, err = p.combinations(positions); err != nil {
				return err
			}
		}
		for _, j := range p.jobs {
			part.include(&j.byRow)
		}
		parts = append(parts, part)
	}
	n := 1
	for _, part := range parts {
		part.settle()
		if n *= part.rows(); n > rowsMax {
			return fmt.Errorf("the dimensions make more than %d rows", rowsMax)
		}
	}
	p.multiply(g, parts, n)
	if len(parts) == 1 && parts[0].groups == nil {
		g.rowsOf = parts[0].result
	}
	return nil
}

// rowsMax bounds the rows of a grid.
const rowsMax = 20_000_000

// A part is the combinations of the dimensions of one tree.
type part struct {
	positions []int
	sizes     []uint64 // of the dimensions
	most      uint64   // groups as a plain array

	result *groups  // of the first result whose combinations the part has
	groups *groups  // the combinations; nil: those of result
	list   []uint32 // codes of combination i at i*len(positions), once all are known
}

// newPart returns a part without combinations. It marks them in an array that
// is not much larger than what the results of the dimensions hold.
func (p *planner) newPart(positions []int) *part {
	pt := &part{positions: positions, sizes: make([]uint64, len(positions)), most: 1 << 16}
	for i, at := range positions {
		pt.sizes[i] = p.dims[at].size()
	}
	for _, j := range p.jobs {
		if slices.Equal(j.byRow.dims, positions) {
			pt.most = max(pt.most, 4*uint64(j.byRow.groups.n))
		}
	}
	return pt
}

// add adds a combination.
func (pt *part) add(tuple ...uint32) {
	if pt.groups == nil {
		pt.groups = newGroupsUpTo(pt.sizes, pt.most)
		if pt.result != nil {
			pt.addAll(pt.result)
		}
	}
	pt.groups.of(tuple)
}

func (pt *part) addAll(g *groups) {
	g.each(func(_ int, tuple []uint32) { pt.add(tuple...) })
}

// include adds the combinations of a result that is split by exactly the
// part's dimensions. Those of the first one are not copied as long as there are
// no others: most often all results are of one scan.
func (pt *part) include(r *result) {
	switch {
	case !slices.Equal(r.dims, pt.positions) || r.groups == pt.result:
	case pt.groups == nil && pt.result == nil:
		pt.result = r.groups
	default:
		pt.addAll(r.groups)
	}
}

// settle lists the combinations; there will be no more.
func (pt *part) settle() {
	switch {
	case pt.groups != nil:
		pt.list = pt.groups.occurred()
	case pt.result != nil:
		pt.list = pt.result.occurred()
	}
}

func (pt *part) rows() int { return len(pt.list) / len(pt.positions) }

// onlyData reports whether rows without records need not be listed: they are
// not wanted, and there all measures are 0 or NULL. It takes linked
// dimensions, measures of the row alone, and an aggregation over each
// combination of the dimensions.
func (p *planner) onlyData(g *Grid) (bool, error) {
	if !p.c.DataOnly || p.ordered || len(p.islands()) != 1 || len(g.measures) == 0 {
		return false, nil
	}
	slots := make([]dual.Vector, len(p.jobs))
	for i, j := range p.jobs {
		if len(j.byRow.dims) != len(p.dims) {
			return false, nil
		}
		slots[i] = dual.Constant(j.byRow.empty(), 1)
	}
	for i := range g.measures {
		v, err := g.evaluate(i, 1, slots)
		if err != nil {
			return false, err
		}
		if x := v.At(0); x.HasText() && !x.HasNum() || x.HasNum() && x.Num != 0 {
			return false, nil
		}
	}
	return true, nil
}

// islands returns the positions of the dimensions, together where their
// tables are linked.
func (p *planner) islands() (parts [][]int) {
	byTree := map[int]int{}
	for i, d := range p.dims {
		tree := -1 - i // of its own
		if d.call == "" {
			tree = treeOf(d.fields()[0])
		}
		at, ok := byTree[tree]
		if !ok {
			at = len(parts)
			byTree[tree] = at
			parts = append(parts, nil)
		}
		parts[at] = append(parts[at], i)
	}
	return parts
}

// multiply writes the cartesian product of the parts as rows.
func (p *planner) multiply(g *Grid, parts []*part, n int) {
	g.N = n
	g.codes = make([][]uint32, len(p.dims))
	for i := range g.codes {
		g.codes[i] = make([]uint32, n)
	}
	repeat := 1 // rows in a row with the same combination of the part
	for i := len(parts) - 1; i >= 0; i-- {
		pt := parts[i]
		k := len(pt.positions)
		for row := range n {
			at := (row / repeat) % pt.rows() * k
			for d, pos := range pt.positions {
				g.codes[pos][row] = pt.list[at+d]
			}
		}
		repeat *= pt.rows()
	}
}

// combinations returns the combinations of values of linked dimensions that
// occur in the rows' scope.
func (p *planner) combinations(positions []int) (*part, error) {
	pt := p.newPart(positions)
	if d := p.dims[positions[0]]; d.call != "" {
		d.allValues(pt)
		return pt, nil
	}
	if len(positions) == 1 && p.dims[positions[0]].field != nil && p.rows.natural() {
		p.possibleValues(pt)
		return pt, nil
	}
	s := &scan{c: p.c, scope: p.rows, planner: p, at: positions, col: map[*model.Field]int{}}
	for _, i := range positions {
		s.dims = append(s.dims, p.dims[i])
		for _, f := range p.dims[i].fields() {
			s.column(f)
		}
	}
	s.want(positions)
	if base := p.scanned(positions); base != nil {
		return pt, s.orphanCombinations(p.ctx, base, pt)
	}
	tables := connect(p.c.model(), s.tables())
	s.chooseAmong(tables)
	s.broader = s.base != nil && len(tables) > 1 // combinations without a row in the base count too
	groups, err := s.run(p.ctx)
	if err != nil {
		return nil, err
	}
	pt.addAll(groups[0])
	return pt, nil
}

// scanned returns a table over whose rows in the rows' scope some job has
// already found the combinations of just these dimensions; nil if none has.
func (p *planner) scanned(positions []int) *model.Table {
	for _, j := range p.jobs {
		if j.base != nil && slices.Equal(j.byRow.dims, positions) && j.scope.key() == p.rows.key() {
			return j.base
		}
	}
	return nil
}

// orphanCombinations adds the combinations that no row of a base leads to.
func (s *scan) orphanCombinations(ctx context.Context, base *model.Table, pt *part) error {
	s.base = base
	w, err := s.newWorker()
	if err != nil {
		return err
	}
	if err := s.addOrphans(ctx, w); err != nil {
		return err
	}
	pt.addAll(w.groups[0])
	return nil
}

// possibleValues fills in the possible values of a single field, and NULL if
// a row in scope has it.
func (p *planner) possibleValues(pt *part) {
	f, listed := p.dims[pt.positions[0]].field, p.dims[pt.positions[0]].listed
	if p.rows.none {
		return
	}
	r := p.c.Infer.Of(p.rows.st)
	for code, possible := range r.Possible(f) {
		if possible != 0 {
			pt.add(uint32(code))
		}
	}
	if len(f.Tables) > 1 || listed {
		return
	}
	seen := make([]uint8, f.Symbols.Len()+1)
	for i := range seen[1:] {
		seen[i+1] = 1 // only NULL is looked for
	}
	var words []uint64
	if rows := r.Rows(f.Tables[0]); rows != nil {
		words = rows.Words()
	}
	if f.Tables[0].Column(f).Mark(seen, words, 1) == 0 {
		pt.add(0)
	}
}
