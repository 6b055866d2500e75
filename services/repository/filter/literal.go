package filter

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/google/uuid"
)

// Fold returns text as it is compared: without regard to case.
func Fold(text string) string { return strings.ToLower(text) }

// A literal is a value in the form of its field's kind.
type literal struct {
	kind   schema.Kind // Text, GUID, Date, Int (any number), Bool
	null   bool
	text   string    // folded text, GUID, date as it is stored, number without exponent
	number any       // int64 or float64
	time   time.Time // of a date
	truth  bool
}

// literalFor reads the value of a comparison with f and checks that the
// operator is one for its kind.
func literalFor(n *Comparison, f *schema.Field) (literal, error) {
	kind, err := comparableKind(n, f)
	if err != nil {
		return literal{}, err
	}
	lit := literal{kind: kind}
	if !n.Value.Quoted && strings.EqualFold(n.Value.Text, "null") {
		if n.Op != Eq && n.Op != Ne {
			return literal{}, fail(n.Pos, "%s cannot be compared with null by %s", f.Name, n.Op)
		}
		lit.null = true
		return lit, nil
	}
	if f.Kind == schema.Embedded {
		return literal{}, fail(n.Pos, "%s can only be compared with null", f.Name)
	}
	if !lit.read(n.Value.Text, f) {
		return literal{}, fail(n.Pos, "%q is no value for %s", n.Value.Text, f.Name)
	}
	return lit, nil
}

// comparableKind returns the kind that values of f compare as.
func comparableKind(n *Comparison, f *schema.Field) (schema.Kind, error) {
	kind, ordered, text := f.Kind, false, false
	switch f.Kind {
	case schema.Int, schema.Float:
		kind, ordered = schema.Int, true
	case schema.Date:
		ordered = true
	case schema.Text:
		text = true
	case schema.Reference:
		kind = schema.GUID
	case schema.Secret, schema.Any:
		return 0, fail(n.Pos, "%s cannot be compared", f.Name)
	}
	switch {
	case n.Op >= Sw && !text, n.Op >= Gt && n.Op <= Le && !ordered:
		return 0, fail(n.Pos, "%s cannot be compared by %s", f.Name, n.Op)
	}
	return kind, nil
}

// read reads text as a value of f; it reports whether it is one.
func (lit *literal) read(text string, f *schema.Field) (ok bool) {
	switch lit.kind {
	case schema.Text:
		lit.text = Fold(text)
		return true
	case schema.GUID:
		id, err := uuid.Parse(text)
		lit.text = id.String()
		return err == nil
	case schema.Date:
		t, err := schema.ParseDate(text)
		lit.time, lit.text = t, schema.FormatDate(t)
		return err == nil
	case schema.Bool:
		lit.truth = strings.EqualFold(text, "true")
		return lit.truth || strings.EqualFold(text, "false")
	}
	return lit.readNumber(text, f.Enum)
}

func (lit *literal) readNumber(text string, enum *schema.Enum) bool {
	if enum != nil {
		if n, ok := enum.Lookup(text); ok {
			lit.number, lit.text = n, strconv.FormatInt(n, 10)
			return true
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		lit.number, lit.text = n, strconv.FormatInt(n, 10)
		return true
	}
	// Hexadecimal floats, infinities and underscores are Go's, not the filter's.
	if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) {
		return false
	}
	x, err := strconv.ParseFloat(text, 64)
	lit.number, lit.text = x, strconv.FormatFloat(x, 'f', -1, 64)
	return err == nil
}

// rat returns the exact number.
func (lit *literal) rat() *big.Rat {
	r, _ := new(big.Rat).SetString(lit.text)
	return r
}

// fitsNull reports whether null fits a comparison by op.
func (lit *literal) fitsNull(op Op) bool {
	return lit.null && op == Eq || !lit.null && op == Ne
}
