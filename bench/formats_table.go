package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A salesField is a field of the table of sales: its values, and which of them
// a row has.
type salesField struct {
	name   string
	format *dual.Format
	// values returns value i of the n different ones.
	values func(i int) dual.Value
	n      int
	nulls  float64 // share of rows that are NULL
	// of returns the value of a row; nil draws one at random.
	of func(row int) int
}

// isoDate is how dates are shown, in text files, too.
const isoDate = "YYYY-MM-DD"

// salesFields are ten fields as fact tables have them: a key of ten rows each,
// dates, texts of few and of many values, money, and measured numbers.
// A QVD of five million rows has 68 MB.
func salesFields(rows int) []salesField {
	texts := func(pattern string) func(int) dual.Value {
		return func(i int) dual.Value { return dual.String(fmt.Sprintf(pattern, i)) }
	}
	numbers := func(f func(i float64) float64) func(int) dual.Value {
		return func(i int) dual.Value { return dual.Number(f(float64(i))) }
	}
	regions := []string{"North", "Nordost", "Süd", "West", "Île-de-France", "Łódź", "Hovedstaden", "Lappi", "Attika", "Lisboa"}
	states := []string{"open", "paid", "shipped", "returned", "void"}
	return []salesField{
		{name: "OrderID", n: rows/10 + 1, values: numbers(func(i float64) float64 { return 100_000 + i }), of: func(row int) int { return row / 10 }},
		{name: "OrderDate", n: 1500, format: &dual.Format{Type: dual.Date, Pattern: isoDate}, values: numbers(func(i float64) float64 { return 43_831 + i })},
		{name: "Customer", n: 30_000, values: texts("Customer %05d")},
		{name: "Product", n: 2000, values: texts("Product %04d")},
		{name: "Region", n: len(regions), values: func(i int) dual.Value { return dual.String(regions[i]) }},
		{name: "Quantity", n: 100, values: numbers(func(i float64) float64 { return 1 + i })},
		{name: "Price", n: 16_000, values: numbers(func(i float64) float64 { return (99 + i) / 100 })},
		{name: "Discount", n: 20, nulls: 0.3, values: numbers(func(i float64) float64 { return (1 + i) / 40 })},
		{name: "Status", n: len(states), nulls: 0.01, values: func(i int) dual.Value { return dual.String(states[i]) }},
		{name: "Weight", n: 32_000, values: numbers(func(i float64) float64 { return 0.25 + i/7 })},
	}
}

// salesTable makes the table of sales, the same for the same number of rows.
// The catalog is sealed.
func salesTable(ctx context.Context, rows int, show func(dual.Value) string) (*storage.Catalog, error) {
	c := storage.NewCatalog(show)
	fields := salesFields(rows)
	t := &storage.Table{Name: "Sales", Rows: rows, Columns: make([]*storage.Column, len(fields))}
	g, ctx := errgroup.WithContext(ctx)
	for i := range fields {
		f := c.FieldOf(fields[i].name)
		g.Go(func() (err error) {
			t.Columns[i], err = fields[i].column(ctx, f, rows, show, rand.New(rand.NewPCG(1, uint64(i))))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	c.Put(t)
	return c, c.Seal()
}

func (s *salesField) column(ctx context.Context, f *storage.Field, rows int, show func(dual.Value) string, rng *rand.Rand) (*storage.Column, error) {
	vals := make([]dual.Value, s.n)
	for i := range vals {
		vals[i] = s.values(i)
	}
	f.Format = s.format
	codes, err := f.Add(vals, show)
	if err != nil {
		return nil, err
	}
	col := storage.NewColumnTop(f, rows, uint32(s.n))
	put := func(row int, code uint32) { col.U32()[row] = code }
	switch col.Bits() {
	case 8:
		put = func(row int, code uint32) { col.U8()[row] = uint8(code) }
	case 16:
		put = func(row int, code uint32) { col.U16()[row] = uint16(code) }
	}
	for row := range rows {
		if row&(1<<16-1) == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch {
		case s.nulls > 0 && rng.Float64() < s.nulls:
			put(row, 0)
		case s.of != nil:
			put(row, codes[s.of(row)])
		default:
			put(row, codes[rng.IntN(s.n)])
		}
	}
	return col, nil
}

// csvNull is NULL in text files, as databases export it.
const csvNull = `\N`

// writeCSV writes a table as text. No value needs quotes.
func writeCSV(w io.Writer, t *storage.Table, show func(dual.Value) string) error {
	out := bufio.NewWriterSize(w, 1<<20)
	texts := make([][]string, len(t.Columns))
	for i, col := range t.Columns {
		texts[i] = make([]string, col.Field.Symbols.Len()+1)
		texts[i][0] = csvNull
		for code := 1; code < len(texts[i]); code++ {
			v := col.Field.Value(uint32(code))
			switch {
			case v.HasText() || v.Format != nil:
				texts[i][code] = show(v)
			default: // the shortest text that is read as the same number
				texts[i][code] = strconv.FormatFloat(v.Num, 'f', -1, 64)
			}
		}
	}
	for i, name := range t.FieldNames() {
		if i > 0 {
			_ = out.WriteByte(',') // errors come with Flush
		}
		_, _ = out.WriteString(name)
	}
	_ = out.WriteByte('\n')
	for row := range t.Rows {
		for i, col := range t.Columns {
			if i > 0 {
				_ = out.WriteByte(',')
			}
			_, _ = out.WriteString(texts[i][col.Code(row)])
		}
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return out.Flush()
}

// contentOf tells what a table holds, as far as all formats have to agree: its
// rows, and of each field the different values, the NULLs and the sum of the
// numbers, taken in the order of the rows.
func contentOf(t *storage.Table) string {
	text := fmt.Appendf(nil, "%d rows", t.Rows)
	for _, col := range t.Columns {
		nums := make([]float64, col.Field.Symbols.Len()+1)
		for code := 1; code < len(nums); code++ {
			if x := col.Field.Symbols.Number(uint32(code)); x == x {
				nums[code] = x
			}
		}
		seen := make([]uint32, len(nums))
		sum := 0.0
		for row := range t.Rows {
			code := col.Code(row)
			seen[code]++
			sum += nums[code]
		}
		distinct := 0
		for _, n := range seen[1:] {
			if n > 0 {
				distinct++
			}
		}
		text = fmt.Appendf(text, "; %s %d/%d/%.17g", col.Field.Name, distinct, seen[0], sum)
	}
	return string(text)
}
