// Package ssb generates the Star Schema Benchmark: sales (lineorder) with the
// dimensions customer, supplier, part and date.
//
// Schema and value rules are the public ones (O'Neil, O'Neil, Chen: Star
// Schema Benchmark, revision 3, 2009). The random stream is our own, so the
// data are not byte for byte those of dbgen, but every row depends on nothing
// but the seed, its table and its number: any part can be made on its own, by
// any number of goroutines, and is always the same.
package ssb

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Config says how much is generated. The zero value is not valid.
type Config struct {
	ScaleFactor float64 // 1 is 6 million sales
	Seed        uint64
}

// Validate says what is wrong with a Config.
func (c Config) Validate() error {
	if !(c.ScaleFactor >= 0.001 && c.ScaleFactor <= 100) {
		return fmt.Errorf("scale factor %v is not within 0.001 and 100", c.ScaleFactor)
	}
	return nil
}

// A Table is one of the five tables.
type Table struct {
	Name    string
	Columns []string
	// Units is the number of pieces that are generated one by one: rows, but
	// for lineorder orders, which have 1 to 7 rows.
	Units  int
	append func(dst []byte, unit int) []byte
}

// Append appends the rows of units lo to hi (exclusive) as lines of
// comma-separated values, without names.
func (t *Table) Append(dst []byte, lo, hi int) []byte {
	for unit := lo; unit < hi; unit++ {
		dst = t.append(dst, unit)
	}
	return dst
}

// Tables returns the tables, the sales last.
func (c Config) Tables() []*Table {
	g := &generator{
		seed:      c.Seed,
		customers: max(1, int(30_000*c.ScaleFactor)),
		suppliers: max(1, int(2_000*c.ScaleFactor)),
		parts:     parts(c.ScaleFactor),
		dateKeys:  make([]int, days),
	}
	for day := range g.dateKeys {
		g.dateKeys[day] = dateKey(day)
	}
	return []*Table{
		{"date", dateColumns, days, g.date},
		{"customer", customerColumns, g.customers, g.customer},
		{"supplier", supplierColumns, g.suppliers, g.supplier},
		{"part", partColumns, g.parts, g.part},
		{"lineorder", lineorderColumns, max(1, int(1_500_000*c.ScaleFactor)), g.order},
	}
}

// parts grows with the logarithm of the scale above 1.
func parts(sf float64) int {
	if sf < 1 {
		return max(1, int(200_000*sf))
	}
	return int(200_000 * (1 + math.Floor(math.Log2(sf))))
}

var (
	dateColumns = []string{
		"d_datekey", "d_date", "d_dayofweek", "d_month", "d_year", "d_yearmonthnum", "d_yearmonth", "d_daynuminweek", "d_daynuminmonth",
		"d_daynuminyear", "d_monthnuminyear", "d_weeknuminyear", "d_sellingseason", "d_lastdayinweekfl", "d_lastdayinmonthfl", "d_holidayfl", "d_weekdayfl",
	}
	customerColumns  = []string{"c_custkey", "c_name", "c_address", "c_city", "c_nation", "c_region", "c_phone", "c_mktsegment"}
	supplierColumns  = []string{"s_suppkey", "s_name", "s_address", "s_city", "s_nation", "s_region", "s_phone"}
	partColumns      = []string{"p_partkey", "p_name", "p_mfgr", "p_category", "p_brand1", "p_color", "p_type", "p_size", "p_container"}
	lineorderColumns = []string{
		"lo_orderkey", "lo_linenumber", "lo_custkey", "lo_partkey", "lo_suppkey", "lo_orderdate", "lo_orderpriority", "lo_shippriority",
		"lo_quantity", "lo_extendedprice", "lo_ordtotalprice", "lo_discount", "lo_revenue", "lo_supplycost", "lo_tax", "lo_commitdate", "lo_shipmode",
	}
)

// days are those of 1992 to 1998.
const days = 2557

var firstDay = time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)

// Streams of random numbers, one per table.
const (
	customerStream uint64 = iota + 1
	supplierStream
	partStream
	orderStream
)

// A generator makes rows.
type generator struct {
	seed                        uint64
	customers, suppliers, parts int
	dateKeys                    []int // of each day
}

// A random is a splitmix64 stream. It is seeded for every row, which a
// generator with a bigger state would be too slow for.
type random struct{ state uint64 }

func (g *generator) random(stream uint64, unit int) random {
	r := random{g.seed ^ stream*0xd1342543de82ef95 ^ uint64(unit)*0x9e3779b97f4a7c15}
	r.next()
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between returns a number within lo and hi, both included.
func (r *random) between(lo, hi int) int {
	return lo + int(r.next()>>32*uint64(hi-lo+1)>>32)
}

func pick(r *random, list []string) string { return list[r.between(0, len(list)-1)] }

// A line is a row under construction.
type line struct{ dst []byte }

func (l *line) text(s string) { l.dst = append(append(l.dst, s...), ',') }
func (l *line) int(n int)     { l.dst = append(strconv.AppendInt(l.dst, int64(n), 10), ',') }

// padded is prefix#000000123.
func (l *line) padded(prefix string, n int) {
	l.dst = append(l.dst, prefix...)
	for m := 100_000_000; m > max(n, 1); m /= 10 {
		l.dst = append(l.dst, '0')
	}
	l.int(n)
}

func (l *line) address(r *random) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
	for range r.between(10, 25) {
		l.dst = append(l.dst, letters[r.between(0, 61)])
	}
	l.dst = append(l.dst, ',')
}

func (l *line) end() []byte {
	l.dst[len(l.dst)-1] = '\n'
	return l.dst
}

// place writes city, nation, region and phone.
func (l *line) place(r *random) {
	at := r.between(0, len(nations)-1)
	nation := nations[at]
	l.dst = append(l.dst, fmt.Sprintf("%-9.9s", nation.name)...)
	l.int(r.between(0, 9))
	l.text(nation.name)
	l.text(regions[nation.region])
	l.dst = fmt.Appendf(l.dst, "%d-%03d-%03d-%04d,", 10+at, r.between(100, 999), r.between(100, 999), r.between(1000, 9999))
}

func (g *generator) customer(dst []byte, unit int) []byte {
	r, l := g.random(customerStream, unit), line{dst}
	l.int(unit + 1)
	l.padded("Customer#", unit+1)
	l.address(&r)
	l.place(&r)
	l.text(pick(&r, segments))
	return l.end()
}

func (g *generator) supplier(dst []byte, unit int) []byte {
	r, l := g.random(supplierStream, unit), line{dst}
	l.int(unit + 1)
	l.padded("Supplier#", unit+1)
	l.address(&r)
	l.place(&r)
	return l.end()
}

func (g *generator) part(dst []byte, unit int) []byte {
	r, l := g.random(partStream, unit), line{dst}
	mfgr, category, brand := r.between(1, 5), r.between(1, 5), r.between(1, 40)
	color := pick(&r, colors)
	l.int(unit + 1)
	l.text(color + " " + pick(&r, colors))
	l.text("MFGR#" + strconv.Itoa(mfgr))
	l.text("MFGR#" + strconv.Itoa(mfgr*10+category))
	l.text("MFGR#" + strconv.Itoa(mfgr*10+category) + strconv.Itoa(brand))
	l.text(color)
	l.text(pick(&r, typesA) + " " + pick(&r, typesB) + " " + pick(&r, typesC))
	l.int(r.between(1, 50))
	l.text(pick(&r, containersA) + " " + pick(&r, containersB))
	return l.end()
}

// order writes the 1 to 7 rows of an order.
func (g *generator) order(dst []byte, unit int) []byte {
	r := g.random(orderStream, unit)
	key := unit/8*32 + unit%8 + 1 // sparse, as in TPC-H
	customer := r.between(1, g.customers)
	day := r.between(0, days-152) // so that the commit date is within the calendar
	priority := pick(&r, priorities)
	lines := r.between(1, 7)
	var rows [7]saleLine
	total := 0
	for i := range lines {
		s := &rows[i]
		s.part, s.supplier = r.between(1, g.parts), r.between(1, g.suppliers)
		s.quantity, s.discount, s.tax = r.between(1, 50), r.between(0, 10), r.between(0, 8)
		s.unitPrice = 90_000 + s.part/10%20_001 + 100*(s.part%1000) // cents, TPC-H
		s.price = s.quantity * s.unitPrice
		s.commit = day + r.between(30, 90)
		s.mode = pick(&r, modes)
		total += s.price * (100 - s.discount) / 100 * (100 + s.tax) / 100
	}
	l := line{dst}
	for i, s := range rows[:lines] {
		l.int(key)
		l.int(i + 1)
		l.int(customer)
		l.int(s.part)
		l.int(s.supplier)
		l.int(g.dateKeys[day])
		l.text(priority)
		l.int(0)
		l.int(s.quantity)
		l.int(s.price)
		l.int(total)
		l.int(s.discount)
		l.int(s.price * (100 - s.discount) / 100)
		l.int(s.unitPrice * 6 / 10)
		l.int(s.tax)
		l.int(g.dateKeys[s.commit])
		l.text(s.mode)
		l.end()
	}
	return l.dst
}

// A saleLine is what differs between the rows of an order.
type saleLine struct {
	part, supplier, quantity, discount, tax, unitPrice, price, commit int
	mode                                                              string
}
