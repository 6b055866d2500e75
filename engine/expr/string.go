package expr

import (
	"strconv"
	"strings"
)

// String returns the canonical text of n: parsing it in the chart form gives n
// again, but for the offsets. Two expressions with one text mean the same.
func String(n Node) string {
	var w writer
	w.node(n, 0)
	return w.String()
}

// A writer writes canonical text.
type writer struct{ strings.Builder }

func (w *writer) put(parts ...string) {
	for _, s := range parts {
		w.WriteString(s)
	}
}

// node writes n as an operand of an operator that binds with strength low.
func (w *writer) node(n Node, low int) {
	switch n := n.(type) {
	case *Literal:
		w.literal(n)
	case *Field:
		if n.Quoted || !IsName(n.Name) {
			w.put(QuoteName(n.Name))
		} else {
			w.put(n.Name)
		}
	case *Star:
		w.put("*")
	case *Call:
		w.call(n)
	case *Unary:
		w.bracketed(low > 0, func() {
			w.put(n.Op)
			if n.Op == "not" || n.Op == "bitnot" {
				w.put(" ")
			}
			w.node(n.X, precUnary)
		})
	case *Binary:
		prec := binaryPrec[n.Op]
		w.bracketed(prec < low, func() {
			w.node(n.L, prec)
			w.put(" ", n.Op, " ")
			w.node(n.R, prec+1)
		})
	case *Scope:
		w.bracketed(low > 0, func() {
			w.put("{")
			w.set(n.Set, 0)
			w.put("} ")
			w.node(n.X, 0)
		})
	}
}

func (w *writer) bracketed(yes bool, body func()) {
	if yes {
		w.put("(")
	}
	body()
	if yes {
		w.put(")")
	}
}

func (w *writer) literal(n *Literal) {
	switch {
	case !n.Value.HasNum():
		w.put("'", strings.ReplaceAll(n.Value.Text, "'", "''"), "'")
	case n.Text != "":
		w.put(n.Text)
	default:
		w.put(strconv.FormatFloat(n.Value.Num, 'g', -1, 64))
	}
}

// call writes a function with what stands before its arguments.
func (w *writer) call(n *Call) {
	w.put(n.Name, "(")
	if n.Set != nil {
		w.put("{")
		w.set(n.Set, 0)
		w.put("} ")
	}
	if n.Distinct {
		w.put("DISTINCT ")
	}
	if n.NoDist {
		w.put("NODISTINCT ")
	}
	if n.Total {
		w.put("TOTAL ")
		for i, f := range n.TotalBy {
			w.put([]string{"<", ", "}[min(i, 1)], QuoteName(f))
		}
		if len(n.TotalBy) > 0 {
			w.put("> ")
		}
	}
	for i, a := range n.Args {
		if i > 0 {
			w.put(", ")
		}
		if i < len(n.Sort) && n.Sort[i] != nil {
			w.sorted(a, n.Sort[i])
			continue
		}
		if b, ok := a.(*Binary); ok { // arguments need no brackets
			w.node(b, precOr)
			continue
		}
		w.node(a, 1)
	}
	w.put(")")
}

func (w *writer) sorted(a Node, s *AggrSort) {
	w.put("(")
	w.node(a, 1)
	w.put(", (", strings.ToUpper(s.By))
	if s.By != "" {
		w.put(", ")
	}
	w.put(map[bool]string{false: "ASCENDING", true: "DESCENDING"}[s.Desc], "))")
}

// setPrec is the strength of a set or element operator.
func setPrec(op string) int {
	switch op {
	case "+", "-":
		return 1
	case "*", "/":
		return 2
	}
	return 3
}

// operation writes a complement, which has no right operand, or two operands
// and what joins them. left and right are told how strong the operator is.
func (w *writer) operation(op string, low int, left, right func(low int)) {
	prec := setPrec(op)
	if op == "~" {
		w.put("-")
		left(prec)
		return
	}
	w.bracketed(prec < low, func() {
		left(prec)
		w.put(" ", op, " ")
		right(prec + 1)
	})
}

// set writes s as an operand of an operator that binds with strength low.
func (w *writer) set(s *SetExpr, low int) {
	switch s.Op {
	case "":
		w.entity(s.Entity)
		if s.HasMod {
			w.put("<")
			for i, m := range s.Mods {
				if i > 0 {
					w.put(", ")
				}
				w.mod(m)
			}
			w.put(">")
		}
	default:
		w.operation(s.Op, low, func(low int) { w.set(s.L, low) }, func(low int) { w.set(s.R, low) })
	}
}

func (w *writer) entity(e Entity) {
	switch e.Kind {
	case All:
		w.put("1")
	case Nothing:
		w.put("0")
	case Current:
		w.put("$")
	case Back:
		w.put("$", strconv.Itoa(e.Step))
	case Forward:
		w.put("$_", strconv.Itoa(e.Step))
	case Named:
		w.put(QuoteName(e.Name))
	}
}

func (w *writer) field(state, name string) {
	if state != "" {
		w.put(QuoteName(state), "::")
	}
	w.put(QuoteName(name))
}

func (w *writer) mod(m SetMod) {
	w.field(m.State, m.Field)
	w.put(m.Op)
	if m.Elems != nil {
		w.elems(m.Elems, 0)
	}
}

// elems writes e as an operand of an operator that binds with strength low.
func (w *writer) elems(e *Elems, low int) {
	switch e.Op {
	case "":
		w.put("{")
		for i, x := range e.List {
			if i > 0 {
				w.put(", ")
			}
			w.element(x)
		}
		w.put("}")
	case "field":
		w.field(e.State, e.Field)
	case "p", "e":
		w.put(strings.ToUpper(e.Op), "(")
		if e.Set != nil {
			w.put("{")
			w.set(e.Set, 0)
			w.put("} ")
		}
		if e.Field != "" {
			w.field(e.State, e.Field)
		}
		w.put(")")
	default:
		w.operation(e.Op, low, func(low int) { w.elems(e.L, low) }, func(low int) { w.elems(e.R, low) })
	}
}

func (w *writer) element(x Element) {
	switch x.Kind {
	case Exact:
		w.put("'", strings.ReplaceAll(x.Text, "'", "''"), "'")
	case Search:
		w.put(`"`, strings.ReplaceAll(x.Text, `"`, `""`), `"`)
	default:
		w.put(x.Text)
	}
}
