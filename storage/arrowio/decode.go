package arrowio

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/cognate-bi/cognate/storage/dual"
)

// epochDay is 1970-01-01 as a day number.
const epochDay = 25569

// A decoder turns the arrays of one column into vectors.
type decoder struct {
	formats Formats
	// The dictionary of the array before: batches that share it share the
	// dual.Dict, so that a builder looks its values up once.
	lastData arrow.ArrayData
	lastDict *dual.Dict
}

// vector returns the values of arrays, one after the other.
func (d *decoder) vector(arrays []arrow.Array) (dual.Vector, error) {
	parts := make([]dual.Vector, 0, len(arrays))
	for _, a := range arrays {
		if a.Len() == 0 {
			continue
		}
		v, err := d.array(a)
		if err != nil {
			return dual.Vector{}, err
		}
		parts = append(parts, v)
	}
	return join(parts), nil
}

// join returns the parts as one vector.
func join(parts []dual.Vector) dual.Vector {
	if len(parts) == 1 {
		return parts[0]
	}
	if v, ok := joinCodes(parts); ok {
		return v
	}
	n, numbers := 0, true
	for _, p := range parts {
		n += p.N
		numbers = numbers && p.Codes == nil && !p.Const && p.Dict.Vals == nil
	}
	if numbers && n > 0 {
		all := make([]float64, 0, n)
		for _, p := range parts {
			all = append(all, p.Dict.Nums...)
		}
		return dual.Nums(all, parts[0].Dict.Format)
	}
	codes := make([]uint32, 0, n)
	var vals []dual.Value
	for _, p := range parts {
		base := len(vals)
		for i := range p.Dict.Len() {
			vals = append(vals, p.Dict.At(i))
		}
		for i := range p.N {
			codes = append(codes, uint32(base+p.Entry(i)))
		}
	}
	return dual.Coded(codes, &dual.Dict{Vals: vals})
}

// joinCodes is join for codes of one dictionary.
func joinCodes(parts []dual.Vector) (v dual.Vector, ok bool) {
	var codes []uint32
	for _, p := range parts {
		if p.Codes == nil || p.Dict != parts[0].Dict {
			return dual.Vector{}, false
		}
		codes = append(codes, p.Codes...)
	}
	if codes == nil {
		return dual.Vector{}, false
	}
	return dual.Coded(codes, parts[0].Dict), true
}

func (d *decoder) array(a arrow.Array) (dual.Vector, error) {
	switch a := a.(type) {
	case *array.Dictionary:
		return d.dictionary(a)
	case array.ExtensionArray:
		return d.array(a.Storage())
	case *array.Null:
		return dual.Constant(dual.Value{}, a.Len()), nil
	}
	if a.NullN() == 0 {
		switch a := a.(type) {
		case *array.Int32:
			return dual.Nums(floats(a.Int32Values()), nil), nil
		case *array.Int64:
			return dual.Nums(floats(a.Int64Values()), nil), nil
		case *array.Float64:
			return dual.Nums(slices.Clone(a.Float64Values()), nil), nil
		}
	}
	if number, format := d.numbers(a); number != nil {
		out := make([]float64, a.Len())
		for i := range out {
			if a.IsNull(i) {
				out[i] = math.NaN()
			} else {
				out[i] = number(i)
			}
		}
		return dual.Nums(out, format), nil
	}
	return texts(a), nil
}

// dictionary maps the indices of an array to codes. The entry behind the last
// one is NULL.
func (d *decoder) dictionary(a *array.Dictionary) (dual.Vector, error) {
	dict := a.Dictionary()
	if d.lastData == nil || !sameData(d.lastData, dict.Data()) {
		values, err := d.array(dict)
		if err != nil {
			return dual.Vector{}, err
		}
		vals := make([]dual.Value, dict.Len()+1)
		for i := range dict.Len() {
			vals[i] = values.At(i)
		}
		d.lastData, d.lastDict = dict.Data(), &dual.Dict{Vals: vals}
	}
	null := uint32(dict.Len())
	codes := make([]uint32, a.Len())
	for i := range codes {
		if a.IsNull(i) {
			codes[i] = null
			continue
		}
		at := a.GetValueIndex(i)
		if at < 0 || at >= int(null) {
			return dual.Vector{}, fmt.Errorf("%w: index %d into a dictionary of %d", ErrFormat, at, null)
		}
		codes[i] = uint32(at)
	}
	return dual.Coded(codes, d.lastDict), nil
}

// sameData reports whether two arrays are the same memory.
func sameData(a, b arrow.ArrayData) bool {
	if a == b {
		return true
	}
	x, y := a.Buffers(), b.Buffers()
	if a.Len() != b.Len() || a.Offset() != b.Offset() || len(x) != len(y) || len(x) == 0 {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// numbers returns the number of each value of an array, and the format in
// which they are shown; nil if the array has no numbers.
func (d *decoder) numbers(a arrow.Array) (number func(i int) float64, f *dual.Format) {
	switch a := a.(type) {
	case *array.Boolean:
		return func(i int) float64 {
			if a.Value(i) {
				return -1
			}
			return 0
		}, nil
	case *array.Int8:
		return from(a.Int8Values()), nil
	case *array.Int16:
		return from(a.Int16Values()), nil
	case *array.Int32:
		return from(a.Int32Values()), nil
	case *array.Int64:
		return from(a.Int64Values()), nil
	case *array.Uint8:
		return from(a.Uint8Values()), nil
	case *array.Uint16:
		return from(a.Uint16Values()), nil
	case *array.Uint32:
		return from(a.Uint32Values()), nil
	case *array.Uint64:
		return from(a.Uint64Values()), nil
	case *array.Float16:
		return func(i int) float64 { return float64(a.Value(i).Float32()) }, nil
	case *array.Float32:
		return from(a.Float32Values()), nil
	case *array.Float64:
		return from(a.Float64Values()), nil
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(i int) float64 { return a.Value(i).ToFloat64(scale) }, nil
	case *array.Decimal256:
		scale := a.DataType().(*arrow.Decimal256Type).Scale
		return func(i int) float64 { return a.Value(i).ToFloat64(scale) }, nil
	}
	return d.times(a)
}

func floats[T int32 | int64](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func from[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64](x []T) func(int) float64 {
	return func(i int) float64 { return float64(x[i]) }
}

// times is numbers for dates, times and durations.
func (d *decoder) times(a arrow.Array) (number func(i int) float64, f *dual.Format) {
	switch a := a.(type) {
	case *array.Date32:
		return func(i int) float64 { return float64(a.Value(i)) + epochDay }, d.formats.Date
	case *array.Date64:
		return func(i int) float64 { return serial(int64(a.Value(i)), 1e3) }, d.formats.Date
	case *array.Timestamp:
		perSecond := unitsPerSecond(a.DataType().(*arrow.TimestampType).Unit)
		return func(i int) float64 { return serial(int64(a.Value(i)), perSecond) }, d.formats.Timestamp
	case *array.Time32:
		perDay := unitsPerSecond(a.DataType().(*arrow.Time32Type).Unit) * 86400
		return func(i int) float64 { return float64(a.Value(i)) / float64(perDay) }, d.formats.Time
	case *array.Time64:
		perDay := unitsPerSecond(a.DataType().(*arrow.Time64Type).Unit) * 86400
		return func(i int) float64 { return float64(a.Value(i)) / float64(perDay) }, d.formats.Time
	case *array.Duration:
		perDay := unitsPerSecond(a.DataType().(*arrow.DurationType).Unit) * 86400
		return func(i int) float64 { return float64(a.Value(i)) / float64(perDay) }, d.formats.Interval
	}
	return nil, nil
}

func unitsPerSecond(u arrow.TimeUnit) int64 {
	switch u {
	case arrow.Second:
		return 1
	case arrow.Millisecond:
		return 1e3
	case arrow.Microsecond:
		return 1e6
	default:
		return 1e9
	}
}

// serial returns units since 1970 as a day number. Days and the rest are
// divided apart, so that whole days and minutes come out exact.
func serial(x, perSecond int64) float64 {
	perDay := perSecond * 86400
	day, rest := x/perDay, x%perDay
	return float64(day+epochDay) + float64(rest)/float64(perDay)
}

// texts returns the texts of an array as codes. Types that are neither text
// nor number are their JSON text.
func texts(a arrow.Array) dual.Vector {
	text := func(i int) string { return a.ValueStr(i) }
	switch a := a.(type) {
	case *array.String:
		text = a.Value
	case *array.LargeString:
		text = a.Value
	case *array.StringView:
		text = a.Value
	case *array.Binary:
		text = a.ValueString
	case *array.LargeBinary:
		text = a.ValueString
	}
	codes := make([]uint32, a.Len())
	vals := []dual.Value{{}} // 0 is NULL
	seen := make(map[string]uint32)
	for i := range codes {
		if a.IsNull(i) {
			continue
		}
		t := text(i)
		code, ok := seen[t]
		if !ok {
			code = uint32(len(vals))
			t = strings.Clone(strings.ToValidUTF8(t, "\uFFFD"))
			vals = append(vals, dual.String(t))
			seen[t] = code
		}
		codes[i] = code
	}
	return dual.Coded(codes, &dual.Dict{Vals: vals})
}
