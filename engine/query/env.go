package query

import (
	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
)

// A recordEnv binds the arguments of a job to the columns of its scan.
type recordEnv struct {
	s      *scan
	inputs []input
	at     map[any]int
}

func newRecordEnv(s *scan, j *job) *recordEnv {
	e := &recordEnv{s: s, at: map[any]int{}}
	flat := numbersOnly[j.spec.Name] && j.nullStrict() // arithmetic of numbers only
	for _, f := range j.fields {
		in := fieldInput{s.col[f], f}
		if flat && s.base != nil && f.Symbols.Len() >= s.c.flatMin() && s.ways[in.col].Through == nil {
			e.put(f, &valuesInput{fieldInput: in, column: s.ways[in.col].Column})
		} else {
			e.put(f, in)
		}
	}
	for _, a := range j.aggrs {
		in := aggrInput{a: a}
		for _, f := range a.fields {
			in.cols = append(in.cols, s.col[f])
		}
		e.put(a, in)
	}
	return e
}

func (e *recordEnv) put(key any, in input) {
	if _, ok := e.at[key]; !ok {
		e.inputs = append(e.inputs, in)
		e.at[key] = len(e.inputs)
	}
}

// Bind implements eval.Env.
func (e *recordEnv) Bind(n expr.Node) (eval.Binding, bool, error) {
	switch n := n.(type) {
	case *fieldNode:
		return eval.Binding{Input: e.at[n.f]}, true, nil
	case *aggrNode:
		return eval.Binding{Input: e.at[n.a]}, true, nil
	case *constNode:
		return eval.Binding{Const: &n.v}, true, nil
	case *funcNode:
		return eval.Binding{Func: n.f, Args: n.args}, true, nil
	}
	return eval.Binding{}, false, nil
}
