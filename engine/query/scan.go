package query

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/engine/agg"
	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A scan runs over the records of one scope once, for all jobs that share
// them, and numbers the groups that the jobs and the grid ask for.
//
// Where every field that is needed depends on the rows of one of the record
// tables (the base), records are its rows and fields come over key maps. All
// else goes through an [expansion].
type scan struct {
	c       *Context
	scope   *scope
	planner *planner
	base    *model.Table   // nil: by expansion
	broader bool           // the base leads to records, it does not hold them
	from    []*model.Table // tables of the records; empty: combinations of dimensions only
	dims    []*dim
	at      []int // grid positions of dims
	jobs    []*job
	wants   [][]int  // groupings, each a list of indexes into dims
	jobAt   [][2]int // per job: its two groupings (per row, overall)
	sparse  int      // rows of the base in scope, where that is not all of them

	fields []*model.Field // all fields that are looked at
	col    map[*model.Field]int
	ways   []*model.Way // by column, with a base
}

// column makes the scan look at a field.
func (s *scan) column(f *model.Field) {
	if _, ok := s.col[f]; ok {
		return
	}
	s.col[f] = len(s.fields)
	s.fields = append(s.fields, f)
}

// want returns the number of a grouping by the given grid positions.
func (s *scan) want(positions []int) int {
	var idx []int
	for i, p := range s.at {
		if slices.Contains(positions, p) {
			idx = append(idx, i)
		}
	}
	for i, w := range s.wants {
		if slices.Equal(w, idx) {
			return i
		}
	}
	s.wants = append(s.wants, idx)
	return len(s.wants) - 1
}

// positions returns the grid positions of grouping i.
func (s *scan) positions(i int) []int {
	out := make([]int, len(s.wants[i]))
	for k, d := range s.wants[i] {
		out[k] = s.at[d]
	}
	return out
}

// run does the scan and leaves the results in the jobs; it returns the
// groups of each grouping.
func (s *scan) run(ctx context.Context) ([]*groups, error) {
	var workers []*worker
	var err error
	if s.base != nil {
		workers, err = s.runRows(ctx)
	} else {
		workers, err = s.runExpansion(ctx)
	}
	if err != nil {
		return nil, err
	}
	first := workers[0]
	if s.broader {
		if err := s.addOrphans(ctx, first); err != nil {
			return nil, err
		}
	}
	for _, w := range workers[1:] {
		first.merge(w)
	}
	if err := first.settle(); err != nil {
		return nil, err
	}
	for i, j := range s.jobs {
		j.base = s.base
		first.deliver(i, j)
	}
	return first.groups, nil
}

// deliver leaves the results of job i in j.
func (w *worker) deliver(i int, j *job) {
	r, o := w.s.jobAt[i][0], w.s.jobAt[i][1]
	j.byRow = result{w.s.positions(r), w.groups[r], w.aggs[i][0]}
	switch {
	case r == o:
		j.overall = j.byRow
	case len(w.aggs[i]) > 1:
		j.overall = result{w.s.positions(o), w.groups[o], w.aggs[i][1]}
	}
}

// runRows lets workers add up equal shares of the base's rows. Shares begin at
// multiples of 64, as words of bitmaps do.
func (s *scan) runRows(ctx context.Context) ([]*worker, error) {
	rows := s.c.rows(s.scope, s.base)
	if rows != nil {
		s.sparse = max(1, simd.Count(rows.Words()))
	}
	n := s.base.Rows
	least := min(1<<14, s.c.morsel()) // rows below which a second worker is not worth its merge
	k := max(1, min(s.c.workers(), n/least))
	share := ((n+k-1)/k + 63) &^ 63
	workers := make([]*worker, k)
	var g errgroup.Group
	for i := range workers {
		w, err := s.newWorker()
		if err != nil {
			return nil, err
		}
		workers[i] = w
		g.Go(func() error {
			hi := min((i+1)*share, n)
			step := (s.c.morsel() + 63) &^ 63
			for lo := min(i*share, n); lo < hi; lo += step {
				if err := aborted(ctx); err != nil {
					return err
				}
				end := min(lo+step, hi)
				b := batch{lo: lo, n: end - lo}
				if rows != nil {
					words := rows.Words()[lo/64 : (end+63)/64]
					alive := simd.Count(words)
					if alive == 0 {
						continue
					}
					if alive < b.n && w.masked {
						w.addMasked(words, b.lo, b.n)
						continue
					}
					if alive < b.n {
						w.rows = simd.AppendRows(w.rows[:0], words, uint32(lo))
						b.rows, b.n = w.rows, alive
					}
				}
				if err := w.add(&b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return workers, g.Wait()
}

// A batch is a run of records: rows from lo on, or the listed rows of the
// base, or, without a base, the codes themselves by column.
type batch struct {
	n    int
	lo   int
	rows []uint32
	cols [][]uint32
}

// A worker has the state in which one goroutine runs its share of a scan.
type worker struct {
	s      *scan
	groups []*groups
	aggs   [][]agg.Aggregator // per job: by row and overall, or one that tells both
	runs   [][]*eval.Run      // per job and argument
	inputs [][]input          // per job: inputs of its programs
	flat   []*valuesInput     // per job: its one argument, where an agg.WholeAdder may read it
	masked bool               // all there is to do is to add integers of rows up

	rows    []uint32
	codes   [][]uint32 // by column, of the batch at hand
	have    []bool
	own     [][]uint32 // codes of calculated dimensions
	calc    []*calculator
	nums    [][]uint32 // group numbers by grouping
	index   [][]uint32 // space for them
	tallies []*tally
	tallyOf [][]*tally // per job, as aggs; nil where rows are added one by one

	given [][]uint32 // codes of the dimensions, where they are known beforehand
}

// newWorker returns a worker with empty groups and aggregations.
func (s *scan) newWorker() (*worker, error) {
	w := &worker{
		s:     s,
		codes: make([][]uint32, len(s.fields)), have: make([]bool, len(s.fields)),
		own: make([][]uint32, len(s.dims)), calc: make([]*calculator, len(s.dims)),
		nums: make([][]uint32, len(s.wants)), index: make([][]uint32, len(s.wants)),
	}
	for _, idx := range s.wants {
		sizes := make([]uint64, len(idx))
		for i, d := range idx {
			sizes[i] = s.dims[d].size()
		}
		w.groups = append(w.groups, newGroupsUpTo(sizes, s.directMax()))
	}
	for i, d := range s.dims {
		if d.field == nil && d.through == nil && d.node != nil {
			w.calc[i] = d.calculator(s.c)
		}
	}
	for i, j := range s.jobs {
		aggs, err := s.aggregators(i)
		if err != nil {
			return nil, err
		}
		w.aggs = append(w.aggs, aggs)
		env := newRecordEnv(s, j)
		var runs []*eval.Run
		for _, a := range j.args {
			p, err := s.c.program(a, env)
			if err != nil {
				return nil, err
			}
			runs = append(runs, p.Batches())
		}
		w.runs = append(w.runs, runs)
		w.inputs = append(w.inputs, env.inputs)
		w.flat = append(w.flat, flatArgument(j, env, aggs))
	}
	w.planTallies()
	w.masked = w.canMask()
	return w, nil
}

// directMax returns up to how many groups are held as plain arrays: fewer where
// few rows come, as then the arrays cost more to make than the rows to hash.
func (s *scan) directMax() uint64 {
	switch {
	case len(s.jobs) == 0:
		return directMaxAlone
	case s.sparse > 0:
		return min(directMax, uint64(max(s.c.directMin(), 2*s.sparse)))
	case s.base != nil:
		return max(directMax, min(directMaxRows, uint64(s.base.Rows/2)))
	}
	return directMax
}

// aggregators returns those of job i: by row, and overall where that is not
// known from the first.
func (s *scan) aggregators(i int) ([]agg.Aggregator, error) {
	byRow, err := s.jobs[i].aggregator(s.c.Fn)
	if err != nil || s.jobAt[i][0] == s.jobAt[i][1] {
		return []agg.Aggregator{byRow}, err
	}
	if _, ok := byRow.(agg.Totaler); ok {
		return []agg.Aggregator{byRow}, nil
	}
	overall, err := s.jobs[i].aggregator(s.c.Fn)
	return []agg.Aggregator{byRow, overall}, err
}

// flatArgument returns the input that is all of a job's argument, if the
// aggregator may read its flat vector itself.
func flatArgument(j *job, env *recordEnv, aggs []agg.Aggregator) *valuesInput {
	if _, ok := aggs[0].(agg.WholeAdder); !ok || len(aggs) > 1 || len(j.args) != 1 {
		return nil
	}
	n, ok := j.args[0].(*fieldNode)
	if !ok {
		return nil
	}
	in, _ := env.inputs[env.at[n.f]-1].(*valuesInput)
	return in
}

// add folds a batch into the groups.
func (w *worker) add(b *batch) error {
	clear(w.have)
	for i, idx := range w.s.wants {
		if len(idx) == 0 {
			w.groups[i].seen[0] = 1
			continue
		}
		vectors := make([][]uint32, len(idx))
		for k, d := range idx {
			var err error
			if vectors[k], err = w.dimCodes(b, d); err != nil {
				return err
			}
		}
		w.index[i] = sized(w.index[i], b.n)
		w.nums[i] = w.groups[i].number(w.index[i], vectors)
	}
	for _, t := range w.tallies {
		t.count(w, b)
	}
	for i := range w.s.jobs {
		if err := w.fold(b, i); err != nil {
			return err
		}
	}
	return nil
}

// fold evaluates the arguments of a job over the batch and adds them.
func (w *worker) fold(b *batch, i int) error {
	if !slices.Contains(w.tallyOf[i], nil) {
		return nil
	}
	if w.foldFlat(b, i) {
		return nil
	}
	inputs := make([]dual.Vector, len(w.inputs[i]))
	for k, in := range w.inputs[i] {
		v, err := in.vector(w, b)
		if err != nil {
			return err
		}
		inputs[k] = v
	}
	args := make([]dual.Vector, len(w.runs[i]))
	for k, r := range w.runs[i] {
		v, err := r.Vector(b.n, inputs)
		if err != nil {
			return err
		}
		args[k] = v
	}
	for k, a := range w.aggs[i] {
		if w.tallyOf[i][k] != nil {
			continue
		}
		g := w.s.jobAt[i][k]
		a.Grow(w.groups[g].n)
		a.Add(w.numbers(g), args)
	}
	return nil
}

// foldFlat adds the integers of a flat vector, if that is the argument.
func (w *worker) foldFlat(b *batch, i int) bool {
	in := w.flat[i]
	if in == nil || b.cols != nil {
		return false
	}
	g := w.s.jobAt[i][0]
	a := w.aggs[i][0].(agg.WholeAdder)
	a.Grow(w.groups[g].n)
	return a.AddWhole(w.numbers(g), in.column.Values(), b.rows, b.lo, b.n)
}

// canMask reports whether all jobs add up integers of flat vectors over all
// rows: bitmaps of rows are enough for that, lists need not be made.
func (w *worker) canMask() bool {
	for i, in := range w.flat {
		if in == nil || len(w.aggs[i]) > 1 || len(w.s.wants[w.s.jobAt[i][0]]) > 0 || w.tallyOf[i][0] != nil {
			return false
		}
		if i8, i16, i32 := in.column.Values().Whole(); i8 == nil && i16 == nil && i32 == nil {
			return false
		}
	}
	return len(w.flat) > 0 && !slices.ContainsFunc(w.s.wants, func(dims []int) bool { return len(dims) > 0 })
}

// addMasked adds those of the n rows from lo on that are set.
func (w *worker) addMasked(rows []uint64, lo, n int) {
	for i, in := range w.flat {
		a, g := w.aggs[i][0].(agg.WholeAdder), w.groups[w.s.jobAt[i][0]]
		g.seen[0] = 1
		a.Grow(g.n)
		a.AddMasked(in.column.Values(), rows, lo, n)
	}
}

// numbers returns the group numbers of the batch for a grouping, nil where
// all is one group.
func (w *worker) numbers(grouping int) []uint32 {
	if len(w.s.wants[grouping]) == 0 {
		return nil
	}
	return w.nums[grouping]
}

// fieldCodes returns the codes of a column for the batch.
func (w *worker) fieldCodes(b *batch, col int) []uint32 {
	if b.cols != nil {
		return b.cols[col][:b.n]
	}
	if !w.have[col] {
		w.codes[col] = sized(w.codes[col], b.n)
		if b.rows != nil {
			w.s.ways[col].CodesAt(w.codes[col], b.rows)
		} else {
			w.s.ways[col].Codes(w.codes[col], b.lo)
		}
		w.have[col] = true
	}
	return w.codes[col]
}

// dimCodes returns the codes of dimension i of the scan.
func (w *worker) dimCodes(b *batch, i int) ([]uint32, error) {
	d := w.s.dims[i]
	if w.given != nil {
		return w.given[i][:b.n], nil
	}
	if d.field != nil {
		return w.fieldCodes(b, w.s.col[d.field]), nil
	}
	w.own[i] = sized(w.own[i], b.n)
	if d.through != nil {
		simd.Translate(w.own[i], w.fieldCodes(b, w.s.col[d.inputs[0]]), d.through)
		return w.own[i], nil
	}
	vectors := make([][]uint32, len(d.inputs))
	for k, f := range d.inputs {
		vectors[k] = w.fieldCodes(b, w.s.col[f])
	}
	return w.own[i], w.calc[i].codes(w.own[i], vectors)
}

func (w *worker) merge(o *worker) {
	to := make([][]uint32, len(w.groups))
	for i, g := range o.groups {
		to[i] = w.groups[i].merge(g)
	}
	for i, t := range w.tallies { // groups of a tally are direct: the same in both
		for at, n := range o.tallies[i].n {
			t.n[at] += n
		}
	}
	for i := range w.s.jobs {
		for k, a := range w.aggs[i] {
			g := w.s.jobAt[i][k]
			if w.tallyOf[i][k] != nil {
				continue
			}
			a.Grow(w.groups[g].n)
			o.aggs[i][k].Grow(o.groups[g].n)
			a.Merge(o.aggs[i][k], to[g])
		}
	}
}

func sized(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n)
	}
	return s[:n]
}

// An input delivers an input vector of an argument's program.
type input interface {
	vector(w *worker, b *batch) (dual.Vector, error)
}

// A fieldInput reads the values of a field.
type fieldInput struct {
	col int
	f   *model.Field
}

func (in fieldInput) vector(w *worker, b *batch) (dual.Vector, error) {
	return dual.Coded(w.fieldCodes(b, in.col), in.f.Dict()), nil
}

// A valuesInput reads a measure of many values from its flat vector.
type valuesInput struct {
	fieldInput
	column *storage.Column
	buf    []float64
}

func (in *valuesInput) vector(w *worker, b *batch) (dual.Vector, error) {
	if b.cols != nil { // records without a row of the base
		return in.fieldInput.vector(w, b)
	}
	if cap(in.buf) < b.n {
		in.buf = make([]float64, b.n)
	}
	dst := in.buf[:b.n]
	if b.rows != nil {
		in.column.Values().FloatsAt(dst, b.rows)
	} else {
		in.column.Values().Floats(dst, b.lo)
	}
	return dual.Nums(dst, in.f.Format), nil
}

// An aggrInput looks the values of an Aggr up by the fields it groups by.
type aggrInput struct {
	cols []int
	a    *aggr
}

func (in aggrInput) vector(w *worker, b *batch) (dual.Vector, error) {
	out := make([]dual.Value, b.n)
	vectors := make([][]uint32, len(in.cols))
	for k, c := range in.cols {
		vectors[k] = w.fieldCodes(b, c)
	}
	tuple := make([]uint32, len(in.cols))
	for i := range out {
		for k := range vectors {
			tuple[k] = vectors[k][i]
		}
		out[i] = in.a.at(tuple)
	}
	return dual.Vals(out), nil
}

// batchRows is the number of combinations that an expansion hands on at once.
const batchRows = 1 << 14

// runExpansion lists the combinations, keeps each record with its dimension
// values once, and folds them.
func (s *scan) runExpansion(ctx context.Context) ([]*worker, error) {
	w, err := s.newWorker()
	if err != nil {
		return nil, err
	}
	f := s.feeder(ctx, w, s.newExpansion(connect(s.c.model(), s.tables())))
	if err := f.x.all(f.record); err != nil {
		return nil, err
	}
	return []*worker{w}, f.flush()
}

// addOrphans folds the records that no row of the base leads to.
func (s *scan) addOrphans(ctx context.Context, w *worker) error {
	tables := connect(s.c.model(), append(s.tables(), s.base))
	f := s.feeder(ctx, w, s.newExpansionFrom(s.base, tables))
	if err := f.x.missing(f.record); err != nil {
		return err
	}
	return f.flush()
}

func (s *scan) feeder(ctx context.Context, w *worker, x *expansion) *feeder {
	return &feeder{
		s: s, w: w, x: x, ctx: ctx,
		seen: newGroups(make([]uint64, len(s.from)+s.identityLen())), cols: make([][]uint32, len(s.fields)),
	}
}

func (s *scan) identityLen() int {
	n := 0
	for _, d := range s.dims {
		n += len(d.fields())
	}
	return n
}

// tables returns every table that the combinations must tell apart.
func (s *scan) tables() []*model.Table {
	tables := slices.Clone(s.from)
	add := func(t *model.Table) {
		if !slices.Contains(tables, t) {
			tables = append(tables, t)
		}
	}
	for _, d := range s.dims {
		for _, f := range d.fields() {
			s.addHolders(f, add)
		}
	}
	if !s.scope.natural() {
		for _, name := range s.scope.fields() {
			if f := s.c.model().Field(name); f != nil && (len(tables) == 0 || treeOf(f) == tables[0].Tree) {
				s.addHolders(f, add)
			}
		}
	}
	return tables
}

// addHolders adds the tables that a field's values come from: all that are
// linked through it.
func (s *scan) addHolders(f *model.Field, add func(*model.Table)) {
	if len(f.Links) == 0 {
		add(f.Tables[0])
		return
	}
	for _, l := range f.Links {
		add(l.Table)
	}
}

func treeOf(f *model.Field) int {
	if len(f.Links) > 0 {
		return f.Links[0].Table.Tree
	}
	return f.Tables[0].Tree
}

// A feeder turns combinations of rows into batches of records.
type feeder struct {
	s    *scan
	w    *worker
	x    *expansion
	ctx  context.Context //nolint:containedctx // lives as long as one scan
	seen *groups         // records with their dimension values
	cols [][]uint32
	n    int
	all  int
	id   []uint32
}

// record takes a joined record, once for each combination of rows and dimension
// values, if the scope has it.
func (f *feeder) record() error {
	if f.all++; f.all%(1<<14) == 0 {
		if err := aborted(f.ctx); err != nil {
			return err
		}
	}
	if !f.s.scope.natural() && !f.s.scope.holds(f.selected) {
		return nil
	}
	f.id = f.id[:0]
	some := len(f.s.from) == 0
	for _, t := range f.s.from {
		r := f.x.rows[f.x.index[t]]
		some = some || r >= 0
		f.id = append(f.id, uint32(r+1))
	}
	if !some {
		return nil
	}
	for _, d := range f.s.dims {
		for _, fd := range d.fields() {
			f.id = append(f.id, f.x.code(fd))
		}
	}
	if before := f.seen.n; len(f.id) > 0 {
		if f.seen.of(f.id); f.seen.n == before {
			return nil
		}
		if f.seen.n > recordsMax {
			return fmt.Errorf("more than %d combinations of records", recordsMax)
		}
	}
	for i, fd := range f.s.fields {
		f.cols[i] = append(f.cols[i], f.x.code(fd))
	}
	if f.n++; f.n == batchRows {
		return f.flush()
	}
	return nil
}

// recordsMax bounds what a cross product may produce.
const recordsMax = 200_000_000

func (f *feeder) selected(field string) (uint32, bool) {
	fd := f.s.c.model().Field(field)
	if fd == nil || treeOf(fd) != f.x.tables[0].Tree {
		return 0, false
	}
	return f.x.code(fd), true
}

func (f *feeder) flush() error {
	if f.n == 0 {
		return nil
	}
	err := f.w.add(&batch{n: f.n, cols: f.cols})
	f.n = 0
	for i := range f.cols {
		f.cols[i] = f.cols[i][:0]
	}
	return err
}
