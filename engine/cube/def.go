// Package cube computes hypercubes and list objects: it sorts, limits and
// totals what package query aggregates, and writes the layouts and pages of
// the QIX protocol.
//
// Terms: a *definition* is the qHyperCubeDef or qListObjectDef of an object's
// properties; a [Cube] is what it gives for one set of selections.
package cube

import (
	"strings"

	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Mode is the mode of a hypercube.
type Mode byte

// The modes.
const (
	Straight Mode = 'S'
	Pivot    Mode = 'P'
	Stacked  Mode = 'K'
)

// A Def is a definition of a hypercube or, with List set, of a list object,
// whose one dimension is Dims[0].
type Def struct {
	List              bool
	Mode              Mode
	Dims              []Dim
	Measures          []Measure
	SortOrder         []int // columns: dimensions, then measures; -1 = the pseudo dimension
	ColumnOrder       []int
	SuppressZero      bool
	SuppressMissing   bool
	Fetch             []Page
	LeftDims          int // -1 = all
	FullyExpanded     bool
	TotalsAbove       bool
	IndentMode        bool
	CalcCond, CalcMsg string
	Title             string
	ContextSet        string
	Expanded          []Position   // pivot: nodes that are open, or closed when FullyExpanded
	ShowAlternatives  bool         // list: alternatives are told from excluded values
	Frequency         byte         // list: N V P R
	Expressions       []string     // list
	AutoSortRows      int          // list: selected values come first if there are more rows than this; 0 = off
	Node              *tree.Node   // the definition as written
	Items             []*tree.Node // master items that it uses, nil for those that are missing
}

// A Dim is one dimension of a definition.
type Dim struct {
	Fields    []string // of a group more than one
	Labels    []string
	Active    int
	Grouping  byte // N none, H drill-down, C cyclic
	Sort      []Sort
	Reverse   bool
	NoNull    bool // NULL is suppressed
	Other     Other
	Total     bool
	Attrs     []Attr
	AttrDims  []Attr
	CalcCond  string
	LibraryID string
	Format    *tree.Node
	Node      *tree.Node
	Missing   bool // the library has no such item
}

// Field returns the active field definition, "" if there is none.
func (d *Dim) Field() string {
	if d.Active < len(d.Fields) {
		return d.Fields[d.Active]
	}
	return ""
}

// A Measure is one measure of a definition.
type Measure struct {
	Expr      string
	Label     string
	LabelExpr string
	Format    *tree.Node
	Sort      Sort
	Reverse   bool
	Attrs     []Attr
	AttrDims  []Attr
	CalcCond  string
	LibraryID string
	Aggr      string // how the total is made from the rows, "" and "Expr" = by the expression
	Accum     int
	Node      *tree.Node
	Missing   bool
}

// An Attr is an attribute expression or an attribute dimension.
type Attr struct {
	Expr   string
	Label  string
	Format *tree.Node
}

// Sort says how a column is sorted: 1 ascending, -1 descending, 0 not.
type Sort struct {
	State, Expression, Frequency, Numeric, ASCII, Load int
	Expr                                               string
}

// Any reports whether some order is asked for.
func (s *Sort) Any() bool {
	return s.State|s.Expression|s.Frequency|s.Numeric|s.ASCII|s.Load != 0
}

// Other is the limit of a dimension.
type Other struct {
	Mode      string // OTHER_OFF ...
	Counted   string // expressions
	Limit     string
	LimitMode string
	Suppress  bool
	Global    bool
	Ascending bool
	Label     string
}

// A Page is a window of cells.
type Page struct{ Left, Top, Width, Height int }

// A Position is a node of a pivot table: its place in each dimension.
type Position struct {
	Top  bool
	Elem []int
}

// A Library gives the properties of master items, nil if there is none.
type Library struct {
	Dimension func(id string) *tree.Node // qDim
	Measure   func(id string) *tree.Node // qMeasure
}

// Parse reads a qHyperCubeDef.
func Parse(n *tree.Node, lib Library) *Def {
	d := &Def{
		Mode:            Mode(enum(n.Get("qMode"), "S", modes)[0]),
		SortOrder:       n.Get("qInterColumnSortOrder").Ints(),
		ColumnOrder:     n.Get("qColumnOrder").Ints(),
		SuppressZero:    n.Get("qSuppressZero").Truth(),
		SuppressMissing: n.Get("qSuppressMissing").Truth(),
		LeftDims:        n.Get("qNoOfLeftDims").IntOr(-1),
		FullyExpanded:   n.Get("qAlwaysFullyExpanded").Truth(),
		TotalsAbove:     n.Get("qShowTotalsAbove").Truth(),
		IndentMode:      n.Get("qIndentMode").Truth(),
		Title:           expression(n.Get("qTitle")),
		ContextSet:      n.Get("qContextSetExpression").Str(),
		Node:            n,
	}
	d.CalcCond = expression(n.Get("qCalcCond"))
	if c := n.Get("qCalcCondition"); c != nil {
		if e := expression(c.Get("qCond")); e != "" {
			d.CalcCond = e
		}
		d.CalcMsg = expression(c.Get("qMsg"))
	}
	lib = d.noting(lib)
	for _, x := range n.Get("qDimensions").Items() {
		d.Dims = append(d.Dims, parseDim(x, lib))
	}
	for _, x := range n.Get("qMeasures").Items() {
		d.Measures = append(d.Measures, parseMeasure(x, lib))
	}
	d.Fetch = parsePages(n.Get("qInitialDataFetch"))
	return d
}

// ParseList reads a qListObjectDef.
func ParseList(n *tree.Node, lib Library) *Def {
	d := &Def{
		List: true, Mode: Straight, Node: n, LeftDims: -1,
		ShowAlternatives: n.Get("qShowAlternatives").Truth(),
		Frequency:        enum(n.Get("qFrequencyMode"), "N", frequencies)[0],
		Fetch:            parsePages(n.Get("qInitialDataFetch")),
	}
	d.AutoSortRows = max(0, n.Get("qAutoSortByState").Get("qDisplayNumberOfRows").Int())
	for _, x := range n.Get("qExpressions").Items() {
		d.Expressions = append(d.Expressions, x.Get("qExpr").Str())
	}
	d.Dims = []Dim{parseDim(n, d.noting(lib))}
	return d
}

// noting returns the library, with a note in the definition of what is taken
// from it.
func (d *Def) noting(lib Library) Library {
	note := func(get func(string) *tree.Node) func(string) *tree.Node {
		return func(id string) *tree.Node {
			n := get(id)
			d.Items = append(d.Items, n)
			return n
		}
	}
	return Library{note(lib.Dimension), note(lib.Measure)}
}

// parseDim reads an NxDimension. A master item gives what it is, the object how
// it is sorted and shown.
func parseDim(n *tree.Node, lib Library) Dim {
	d := Dim{
		NoNull:    n.Get("qNullSuppression").Truth(),
		Total:     n.Get("qShowTotal").Truth(),
		CalcCond:  condition(n),
		LibraryID: n.Get("qLibraryId").Str(),
		Attrs:     parseAttrs(n.Get("qAttributeExpressions"), "qExpression"),
		AttrDims:  parseAttrs(n.Get("qAttributeDimensions"), "qDef"),
		Other:     parseOther(n),
		Node:      n,
	}
	def := n.Get("qDef")
	own := def
	if d.LibraryID != "" {
		item := lib.Dimension(d.LibraryID)
		if d.Missing = item == nil; item != nil {
			def = item
		}
	}
	d.Fields = def.Get("qFieldDefs").Strings()
	d.Labels = def.Get("qFieldLabels").Strings()
	d.Grouping = enum(def.Get("qGrouping"), "N", groupings)[0]
	d.Active = own.Get("qActiveField").Int()
	d.Reverse = own.Get("qReverseSort").Truth()
	sorts := own.Get("qSortCriterias")
	if sorts.Len() == 0 {
		sorts = def.Get("qSortCriterias")
	}
	for _, s := range sorts.Items() {
		d.Sort = append(d.Sort, parseSort(s))
	}
	if f := own.Get("qNumberPresentations").Items(); len(f) > 0 {
		d.Format = f[0]
	}
	if d.Active < 0 || d.Active >= max(1, len(d.Fields)) {
		d.Active = 0
	}
	return d
}

// parseMeasure reads an NxMeasure. A master item gives its expression, label and
// format.
func parseMeasure(n *tree.Node, lib Library) Measure {
	m := Measure{
		Sort:      parseSort(n.Get("qSortBy")),
		CalcCond:  condition(n),
		LibraryID: n.Get("qLibraryId").Str(),
		Attrs:     parseAttrs(n.Get("qAttributeExpressions"), "qExpression"),
		AttrDims:  parseAttrs(n.Get("qAttributeDimensions"), "qDef"),
		Node:      n,
	}
	def := n.Get("qDef")
	m.Reverse = def.Get("qReverseSort").Truth()
	m.Format = def.Get("qNumFormat")
	m.Accum = def.Get("qAccumulate").Int()
	m.Aggr = def.Get("qAggrFunc").Str()
	if m.LibraryID != "" {
		item := lib.Measure(m.LibraryID)
		if m.Missing = item == nil; item != nil {
			def = item
			if f := item.Get("qNumFormat"); f != nil {
				m.Format = f
			}
		}
	}
	m.Expr = expression(def.Get("qDef"))
	if list := def.Get("qExpressions").Strings(); len(list) > 0 {
		if at := n.Get("qDef").Get("qActiveExpression").Int(); at > 0 && at <= len(list) {
			m.Expr = list[at-1]
		}
	}
	m.Label = def.Get("qLabel").Str()
	m.LabelExpr = expression(def.Get("qLabelExpression"))
	return m
}

func parseOther(n *tree.Node) Other {
	o := n.Get("qOtherTotalSpec")
	return Other{
		Mode:      enum(o.Get("qOtherMode"), "OTHER_OFF", otherModes),
		Counted:   expression(o.Get("qOtherCounted")),
		Limit:     expression(o.Get("qOtherLimit")),
		LimitMode: enum(o.Get("qOtherLimitMode"), "OTHER_GT_LIMIT", limitModes),
		Suppress:  o.Get("qSuppressOther").Truth(),
		Global:    o.Get("qGlobalOtherGrouping").Truth(),
		Ascending: enum(o.Get("qOtherSortMode"), "OTHER_SORT_DESCENDING", otherSorts) == "OTHER_SORT_ASCENDING",
		Label:     expression(n.Get("qOtherLabel")),
	}
}

func parseSort(n *tree.Node) Sort {
	sign := func(key string) int {
		switch x := n.Get(key).Int(); {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return 0
	}
	return Sort{
		State: sign("qSortByState"), Expression: sign("qSortByExpression"), Frequency: sign("qSortByFrequency"),
		Numeric: sign("qSortByNumeric"), ASCII: sign("qSortByAscii"), Load: sign("qSortByLoadOrder"),
		Expr: expression(n.Get("qExpression")),
	}
}

func parseAttrs(n *tree.Node, key string) (out []Attr) {
	for _, a := range n.Items() {
		out = append(out, Attr{Expr: expression(a.Get(key)), Label: a.Get("qLabel").Str(), Format: a.Get("qNumFormat")})
	}
	return out
}

func parsePages(n *tree.Node) (out []Page) {
	for _, p := range n.Items() {
		out = append(out, ParsePage(p))
	}
	return out
}

// ParsePage reads an NxPage.
func ParsePage(n *tree.Node) Page {
	return Page{n.Get("qLeft").Int(), n.Get("qTop").Int(), n.Get("qWidth").Int(), n.Get("qHeight").Int()}
}

func condition(n *tree.Node) string {
	if c := n.Get("qCalcCondition"); c != nil {
		if e := expression(c.Get("qCond")); e != "" {
			return e
		}
	}
	return expression(n.Get("qCalcCond"))
}

// expression reads an expression in its spellings: a string, {"qExpr": ..},
// {"qv": ..}.
func expression(n *tree.Node) string {
	switch {
	case n == nil:
		return ""
	case n.Kind() == tree.String:
		return n.Str()
	case n.Has("qExpr"):
		return n.Get("qExpr").Str()
	case n.Has("qv"):
		return n.Get("qv").Str()
	case n.Has("qStringExpression"):
		return expression(n.Get("qStringExpression"))
	case n.Has("qValueExpression"):
		return expression(n.Get("qValueExpression"))
	case n.Kind() == tree.Number:
		return n.JSON()
	}
	return ""
}

// enum reads an enumeration given short, long or as a number.
func enum(n *tree.Node, missing string, values []string) string {
	switch n.Kind() {
	case tree.Number:
		if i := n.Int(); i >= 0 && i < len(values) {
			return short(values[i])
		}
	case tree.String:
		text := strings.TrimPrefix(strings.ToUpper(n.Str()), "EQ_")
		for _, v := range values {
			s := short(v)
			if text == s || text == strings.TrimPrefix(v, s+"=") {
				return s
			}
		}
	}
	return missing
}

// short returns the short spelling of an enumeration's entry "S=LONG_NAME".
func short(v string) string {
	s, _, _ := strings.Cut(v, "=")
	return s
}

var (
	modes       = []string{"S=DATA_MODE_STRAIGHT", "P=DATA_MODE_PIVOT", "K=DATA_MODE_PIVOT_STACK", "T=DATA_MODE_TREE", "D=DATA_MODE_DYNAMIC"}
	frequencies = []string{"N=NX_FREQUENCY_NONE", "V=NX_FREQUENCY_VALUE", "P=NX_FREQUENCY_PERCENT", "R=NX_FREQUENCY_RELATIVE"}
	groupings   = []string{"N=GRP_NX_NONE", "H=GRP_NX_HIEARCHY", "C=GRP_NX_COLLECTION"}
	otherModes  = []string{"OTHER_OFF", "OTHER_COUNTED", "OTHER_ABS_LIMITED", "OTHER_ABS_ACC_TARGET", "OTHER_REL_LIMITED", "OTHER_REL_ACC_TARGET"}
	limitModes  = []string{"OTHER_GE_LIMIT", "OTHER_LE_LIMIT", "OTHER_GT_LIMIT", "OTHER_LT_LIMIT"}
	otherSorts  = []string{"OTHER_SORT_DEFAULT", "OTHER_SORT_DESCENDING", "OTHER_SORT_ASCENDING"}
	formatTypes = []string{"U=UNKNOWN", "A=ASCII", "I=INTEGER", "R=REAL", "F=FIX", "M=MONEY", "D=DATE", "T=TIME", "TS=TIMESTAMP", "IV=INTERVAL"}
)

// format reads a FieldAttributes; nil if it leaves the format to the value.
func format(n *tree.Node) *dual.Format {
	if n == nil {
		return nil
	}
	// the numbers of the protocol are not in the order of the types
	name := enum(n.Get("qType"), "U", formatTypes)
	if n.Get("qType").Kind() == tree.Number {
		name = map[int]string{1: "A", 10: "I", 2: "R", 11: "F", 12: "M", 3: "D", 4: "T", 5: "TS", 6: "IV"}[n.Get("qType").Int()]
	}
	pattern := n.Get("qFmt").Str()
	if pattern == "" && (name == "U" || name == "") {
		return nil
	}
	types := map[string]dual.FormatType{
		"A": dual.ASCII, "I": dual.Integer, "R": dual.Real, "F": dual.Fix, "M": dual.Money,
		"D": dual.Date, "T": dual.Time, "TS": dual.Timestamp, "IV": dual.Interval,
	}
	return &dual.Format{Type: types[name], Pattern: pattern, Decimal: n.Get("qDec").Str(), Thousand: n.Get("qThou").Str()}
}
