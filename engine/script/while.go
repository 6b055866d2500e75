package script

import (
	"fmt"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// startWhile keeps rows that WHILE is to repeat.
func (f *feed) startWhile(n int, vecs []dual.Vector) error {
	f.pending, f.at, f.rep = vecs, 0, 0
	if f.single {
		f.counts = []int32{0}
		return nil
	}
	counts, err := f.repetitions(n, vecs)
	f.counts = counts
	return err
}

// repeat returns the next repetitions of the pending rows, none at their end.
func (f *feed) repeat() (int, []dual.Vector, error) {
	if f.single {
		return f.repeatSingle()
	}
	var at []int32
	var iter []float64
	for f.at < len(f.counts) && len(at) < batchRows {
		if f.rep >= int(f.counts[f.at]) {
			f.at, f.rep = f.at+1, 0
			continue
		}
		f.rep++
		at, iter = append(at, int32(f.at)), append(iter, float64(f.rep))
	}
	if len(at) == 0 {
		f.counts = nil
		return 0, nil, nil
	}
	return f.finish(len(at), f.withIterNo(gatherAll(f.pending, at), dual.Nums(iter, fn.FormatInteger)))
}

// repeatSingle asks the condition for the next repetition of one row.
func (f *feed) repeatSingle() (int, []dual.Vector, error) {
	f.rep++
	vecs := append([]dual.Vector(nil), f.pending...)
	f.withIterNo(vecs, dual.Constant(dual.Formatted(float64(f.rep), fn.FormatInteger), 1))
	for i := range f.cols {
		if kind := f.cols[i].kind; kind == colRowNo || kind == colRowsSoFar {
			vecs[i] = f.rowNumbers(kind, 1)
		}
	}
	v, err := f.while.run.Vector(1, vecs)
	if err != nil || !plainTrue(&v) {
		f.counts = nil
		return 0, nil, err
	}
	return f.finish(1, vecs)
}

func (f *feed) withIterNo(vecs []dual.Vector, iter dual.Vector) []dual.Vector {
	for i := range f.cols {
		if f.cols[i].kind == colIterNo {
			vecs[i] = iter
		}
	}
	return vecs
}

// repetitions returns for every row how often WHILE repeats it. The condition
// is asked for many iterations at a time; the first that fails counts.
func (f *feed) repetitions(n int, vecs []dual.Vector) ([]int32, error) {
	counts := make([]int32, n)
	open := make([]int32, n) // rows whose condition has not failed yet
	for i := range open {
		open[i] = int32(i)
	}
	for from, ahead := 1, 1; len(open) > 0; from, ahead = from+ahead, ahead*4 {
		if err := f.r.ctx.Err(); err != nil {
			return nil, err
		}
		ahead = max(1, min(ahead, batchRows/len(open)))
		at := make([]int32, 0, len(open)*ahead)
		iter := make([]float64, 0, len(open)*ahead)
		for _, row := range open {
			for k := range ahead {
				at, iter = append(at, row), append(iter, float64(from+k))
			}
		}
		v, err := f.while.run.Vector(len(at), f.withIterNo(gatherAll(vecs, at), dual.Nums(iter, fn.FormatInteger)))
		if err != nil {
			return nil, err
		}
		still := open[:0]
		for j, row := range open {
			k := 0
			for k < ahead && isTrue(v.Num(j*ahead+k)) {
				k++
			}
			if counts[row] += int32(k); k == ahead {
				still = append(still, row)
			}
		}
		if open = still; from > f.r.limits.MaxRows {
			return nil, fmt.Errorf("WHILE repeats a row more than %d times", f.r.limits.MaxRows)
		}
	}
	return counts, nil
}
