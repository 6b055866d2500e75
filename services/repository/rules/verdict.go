package rules

// A verdict is no, yes, or open: negative, as a privilege asked for depends on
// a question that is being answered. -1-d is open on the question at depth d
// of the stack; of two, the outer one counts. Rules match on yes only, so no
// loop of privileges grants anything, not even by a negation.
type verdict int32

const (
	no  verdict = 0
	yes verdict = 1
)

func openAt(depth int) verdict { return verdict(-1 - depth) }

// opensBelow says whether v is open on a question outside of depth.
func (v verdict) opensBelow(depth int) bool { return v < 0 && int(-1-v) < depth }

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

func (v verdict) not() verdict {
	if v < 0 {
		return v
	}
	return 1 - v
}

func (v verdict) and(w verdict) verdict {
	switch {
	case v == no || w == no:
		return no
	case v < 0 && w < 0:
		return max(v, w)
	default:
		return min(v, w)
	}
}

func (v verdict) or(w verdict) verdict { return v.not().and(w.not()).not() }

func (v verdict) String() string {
	switch v {
	case yes:
		return "true"
	case no:
		return "false"
	}
	return "open"
}
