package storage

// Traits are what all values of a field have in common; without values, all
// of it.
type Traits struct {
	Numeric bool // every value has a number
	Integer bool // every value has a whole number
	ASCII   bool // own texts are 7-bit
}

// Traits returns the traits of the values. They are found at the first call,
// or known from where the symbols came from, without a look at them.
func (s *Symbols) Traits() Traits {
	if t := s.traits.Load(); t != nil && t.of == s.n {
		return t.Traits
	}
	s.ready()
	t := s.findTraits()
	s.traits.Store(&knownTraits{t, s.n})
	return t
}

// knownTraits are the traits of the first `of` values.
type knownTraits struct {
	Traits
	of int
}

func (s *Symbols) findTraits() Traits {
	t := Traits{Numeric: !s.missing(), ASCII: isASCII(s.arena)}
	t.Integer = t.Numeric && s.integral()
	return t
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func (t Traits) flags() byte {
	return flagIf(t.Numeric, allNumeric) | flagIf(t.Integer, allInteger) | flagIf(t.ASCII, allASCII)
}

func traitsOf(flags byte) Traits {
	return Traits{Numeric: flags&allNumeric != 0, Integer: flags&allInteger != 0, ASCII: flags&allASCII != 0}
}
