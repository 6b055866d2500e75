package session

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/storage/dual"
)

// VariableValue returns what a variable stands for: the value of its
// expression if its definition begins with "=", else the definition itself
// with the number that it reads as.
func (s *Session) VariableValue(ctx context.Context, it *object.Item) (text string, num float64, err error) {
	def := it.Props.Get("qDefinition").Str()
	if strings.HasPrefix(strings.TrimSpace(def), "=") {
		return s.Expression(ctx, def, "$")
	}
	if it.Number != nil {
		return def, *it.Number, nil
	}
	num = math.NaN()
	if def != "" {
		num = s.data.Locale.Num(dual.String(def))
	}
	return def, num, nil
}

// SetDual sets text and number of a variable together.
func (s *Session) SetDual(id, text string, num float64) error {
	if err := s.SetDefinition(id, text); err != nil {
		return err
	}
	_, err := s.change(id, func(it *object.Item) (*object.Item, error) { return it.WithNumber(num), nil })
	return err
}

// Serial returns a time as days since 1899-12-30, the number of a timestamp.
func Serial(t time.Time) float64 {
	const unixEpoch = 25569
	return unixEpoch + float64(t.UnixMilli())/86400e3
}
