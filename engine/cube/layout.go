package cube

import (
	"math"
	"strconv"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A writer appends members of a JSON object.
type writer struct{ b []byte }

func (w *writer) key(k string) { w.b = tree.AppendKey(w.b, k) }

func (w *writer) str(k, v string) { w.key(k); w.b = tree.AppendString(w.b, v) }

// text writes a member that is left out where it is empty.
func (w *writer) text(k, v string) {
	if v != "" {
		w.str(k, v)
	}
}

func (w *writer) num(k string, v float64) { w.key(k); w.b = tree.AppendFloat(w.b, v) }

func (w *writer) int(k string, v int) { w.key(k); w.b = strconv.AppendInt(w.b, int64(v), 10) }

func (w *writer) bool(k string, v bool) { w.key(k); w.b = strconv.AppendBool(w.b, v) }

func (w *writer) raw(k, v string) { w.key(k); w.b = append(w.b, v...) }

func (w *writer) open(k string, c byte) { w.key(k); w.b = append(w.b, c) }

// next begins an element of an array.
func (w *writer) next(c byte) { w.b = append(tree.AppendComma(w.b), c) }

func (w *writer) close(c byte) { w.b = append(w.b, c) }

func (w *writer) ints(k string, v []int) {
	w.open(k, '[')
	for _, x := range v {
		w.b = strconv.AppendInt(tree.AppendComma(w.b), int64(x), 10)
	}
	w.close(']')
}

func (w *writer) strs(k string, v []string) {
	w.open(k, '[')
	for _, x := range v {
		w.b = tree.AppendString(tree.AppendComma(w.b), x)
	}
	w.close(']')
}

func (w *writer) invalid(e *Invalid) {
	if e == nil {
		return
	}
	w.open("qError", '{')
	w.int("qErrorCode", e.Code)
	w.text("qContext", e.Context)
	w.text("qExtendedMessage", e.Message)
	w.close('}')
}

// AppendLayout appends the qHyperCube or qListObject of the cube.
func (c *Cube) AppendLayout(dst []byte) []byte {
	w := &writer{append(dst, '{')}
	if c.q.State != "" && c.q.State != "$" {
		w.str("qStateName", c.q.State)
	}
	if c.Def.List {
		c.listLayout(w)
	} else {
		c.cubeLayout(w)
	}
	c.passOn(w, c.Def.Node, defMembers)
	w.close('}')
	return w.b
}

func (c *Cube) size(w *writer, x, y int) {
	w.open("qSize", '{')
	w.int("qcx", x)
	w.int("qcy", y)
	w.close('}')
}

// listLayout writes the members of a ListObject.
func (c *Cube) listLayout(w *writer) {
	c.size(w, min(1, len(c.dims)), c.Rows)
	w.invalid(c.Err)
	if len(c.dims) > 0 {
		w.key("qDimensionInfo")
		w.b = append(w.b, '{')
		c.dimInfo(w, 0)
		w.close('}')
	} else {
		w.raw("qDimensionInfo", "{}")
	}
	w.open("qExpressions", '[')
	for _, e := range c.Def.Expressions {
		w.next('{')
		w.str("qExpr", e)
		w.close('}')
	}
	w.close(']')
	w.open("qDataPages", '[')
	if c.Err == nil {
		for _, p := range c.Def.Fetch {
			w.b = c.AppendPage(tree.AppendComma(w.b), p)
		}
	}
	w.close(']')
}

// cubeLayout writes the members of a HyperCube.
func (c *Cube) cubeLayout(w *writer) {
	switch {
	case c.Err != nil:
		c.size(w, len(c.dims)+len(c.meas), 0)
	case c.Def.Mode == Pivot:
		x, y := c.pivotSize()
		c.size(w, x, y)
	case c.Def.Mode == Stacked:
		x, y := c.stackSize()
		c.size(w, x, y)
	default:
		c.size(w, len(c.dims)+len(c.meas), c.Rows)
	}
	w.invalid(c.Err)
	w.open("qDimensionInfo", '[')
	for d := range c.dims {
		w.next('{')
		c.dimInfo(w, d)
		w.close('}')
	}
	w.close(']')
	w.open("qMeasureInfo", '[')
	for m := range c.meas {
		w.next('{')
		c.measureInfo(w, m)
		w.close('}')
	}
	w.close(']')
	w.ints("qEffectiveInterColumnSortOrder", c.sorted)
	w.open("qGrandTotalRow", '[')
	if c.Err == nil {
		for m := range c.meas {
			w.b = append(tree.AppendComma(w.b), '{')
			c.totalCell(w, m)
			w.close('}')
		}
	}
	w.close(']')
	c.initialPages(w)
	w.str("qMode", string(c.Def.Mode))
	w.int("qNoOfLeftDims", c.leftDims())
	w.raw("qTreeNodesOnDim", "[]")
	w.ints("qColumnOrder", c.Def.ColumnOrder)
	w.text("qTitle", c.Def.Title)
	if c.others {
		w.bool("qHasOtherValues", true)
	}
	if c.Def.IndentMode {
		w.bool("qIndentMode", true)
	}
	w.text("qCalcCondMsg", c.CalcMessage)
}

// initialPages writes the pages that the definition asks for, under the name
// that the mode has for them; the other names have none.
func (c *Cube) initialPages(w *writer) {
	names := []string{"qDataPages", "qPivotDataPages", "qStackedDataPages"}
	use := 0
	switch c.Def.Mode {
	case Pivot:
		use = 1
	case Stacked:
		use = 2
	}
	for i, name := range names {
		w.open(name, '[')
		if i == use && c.Err == nil {
			for _, p := range c.Def.Fetch {
				w.b = tree.AppendComma(w.b)
				switch use {
				case 1:
					w.b = c.AppendPivotPage(w.b, p)
				case 2:
					w.b = c.AppendStackPage(w.b, p)
				default:
					w.b = c.AppendPage(w.b, p)
				}
			}
		}
		w.close(']')
	}
}

// dimInfo writes the members of an NxDimensionInfo.
func (c *Cube) dimInfo(w *writer, d int) {
	v := &c.dims[d]
	w.str("qFallbackTitle", v.title)
	cardinal, span := 0, noSpan
	if v.field != nil {
		cardinal, span = v.field.Symbols.Len(), v.span
	}
	w.int("qApprMaxGlyphCount", span.glyphs)
	w.int("qCardinal", cardinal)
	if v.locked {
		w.bool("qLocked", true)
	}
	by := Sort{}
	if v.def.Active < len(v.def.Sort) {
		by = v.def.Sort[v.def.Active]
	}
	w.str("qSortIndicator", indicator(&by, v.def.Reverse))
	w.strs("qGroupFallbackTitles", v.labels)
	w.int("qGroupPos", v.def.Active)
	w.key("qStateCounts")
	w.b = AppendCounts(w.b, v.counts)
	var tags []string
	var tagged *model.Field
	if v.plain != nil {
		tagged = v.plain
		tags = v.plain.Tags
	}
	w.strs("qTags", tags)
	w.invalid(v.err)
	w.str("qDimensionType", dimensionType(tagged))
	if v.def.Reverse {
		w.bool("qReverseSort", true)
	}
	w.str("qGrouping", string(v.def.Grouping))
	c.fieldFormat(w, v)
	w.bool("qIsAutoFormat", true)
	w.strs("qGroupFieldDefs", v.def.Fields)
	w.num("qMin", span.lo)
	w.num("qMax", span.hi)
	c.attrInfos(w, v.attrs, v.def.Attrs, v.def.AttrDims)
	if v.plain == nil && v.err == nil {
		w.bool("qIsCalculated", true)
	}
	if v.one {
		w.bool("qIsOneAndOnlyOne", true)
	}
	w.open("qCardinalities", '{')
	w.int("qCardinal", cardinal)
	w.int("qHypercubeCardinal", span.values)
	w.int("qAllValuesCardinal", -1)
	w.close('}')
	w.text("qLibraryId", v.def.LibraryID)
	c.passOn(w, v.def.Node, dimMembers)
	if def := v.def.Node.Get("qDef"); !c.Def.List && def != nil {
		c.passOn(w, def, inlineMembers)
	}
}

func dimensionType(f *model.Field) string {
	if f == nil {
		return "D"
	}
	kind := "D"
	for _, t := range f.Tags {
		switch t {
		case "$date", "$timestamp":
			return "T"
		case "$numeric":
			kind = "N"
		}
	}
	return kind
}

func indicator(by *Sort, reverse bool) string {
	for _, x := range []int{by.State, by.Expression, by.Frequency, by.Numeric, by.ASCII, by.Load} {
		if reverse {
			x = -x
		}
		switch {
		case x > 0:
			return "A"
		case x < 0:
			return "D"
		}
	}
	return "N"
}

// AppendCounts appends an NxStateCounts.
func AppendCounts(dst []byte, n infer.Counts) []byte {
	w := &writer{append(dst, '{')}
	w.int("qLocked", n[infer.Locked])
	w.int("qSelected", n[infer.Selected])
	w.int("qOption", n[infer.Optional])
	w.int("qDeselected", 0)
	w.int("qAlternative", n[infer.Alternative])
	w.int("qExcluded", n[infer.Excluded])
	w.int("qSelectedExcluded", n[infer.SelectedExcluded])
	w.int("qLockedExcluded", n[infer.LockedExcluded])
	w.close('}')
	return w.b
}

func (c *Cube) fieldFormat(w *writer, v *dimView) {
	w.key("qNumFormat")
	if v.def.Format != nil && v.def.Format.Get("qType").Str() != "U" {
		w.b = v.def.Format.Append(w.b)
		return
	}
	var f *dual.Format
	if v.field != nil {
		f = v.field.Format
	}
	w.b = AppendFormat(w.b, f)
}

// AppendFormat appends a FieldAttributes.
func AppendFormat(dst []byte, f *dual.Format) []byte {
	w := &writer{append(dst, '{')}
	names := []string{"U", "A", "I", "R", "F", "M", "D", "T", "TS", "IV"}
	if f == nil {
		f = &dual.Format{}
	}
	w.str("qType", names[f.Type])
	w.int("qnDec", 0)
	w.int("qUseThou", 0)
	w.text("qFmt", f.Pattern)
	w.text("qDec", f.Decimal)
	w.text("qThou", f.Thousand)
	w.close('}')
	return w.b
}

// measureInfo writes the members of an NxMeasureInfo.
func (c *Cube) measureInfo(w *writer, m int) {
	v := &c.meas[m]
	w.str("qFallbackTitle", v.title)
	w.int("qApprMaxGlyphCount", v.span.glyphs)
	w.int("qCardinal", 0)
	w.str("qSortIndicator", indicator(&v.def.Sort, v.def.Reverse))
	w.key("qNumFormat")
	if v.def.Format != nil {
		w.b = v.def.Format.Append(w.b)
	} else {
		w.b = AppendFormat(w.b, nil)
	}
	w.num("qMin", zeroIfNone(v.span.lo))
	w.num("qMax", zeroIfNone(v.span.hi))
	w.invalid(v.err)
	if v.def.Reverse {
		w.bool("qReverseSort", true)
	}
	w.bool("qIsAutoFormat", v.show == nil)
	c.attrInfos(w, v.attrs, v.def.Attrs, v.def.AttrDims)
	w.raw("qTrendLines", "[]")
	w.text("qLibraryId", v.def.LibraryID)
	c.passOn(w, v.def.Node, measureMembers)
	if def := v.def.Node.Get("qDef"); def != nil {
		c.passOn(w, def, inlineMembers)
	}
}

func zeroIfNone(x float64) float64 {
	if x != x {
		return 0
	}
	return x
}

// attrInfos writes qAttrExprInfo and qAttrDimInfo.
func (c *Cube) attrInfos(w *writer, at int, exprs, dims []Attr) {
	w.open("qAttrExprInfo", '[')
	for i, a := range exprs {
		w.next('{')
		lo, hi := math.NaN(), math.NaN()
		if at >= 0 && at+i < len(c.attrs) {
			for row := range c.Rows {
				if x := c.attrs[at+i].Num(row); x == x {
					if !(lo <= x) {
						lo = x
					}
					if !(hi >= x) {
						hi = x
					}
				}
			}
		}
		w.num("qMin", lo)
		w.num("qMax", hi)
		title := a.Label
		if title == "" {
			title = a.Expr
		}
		w.str("qFallbackTitle", title)
		w.key("qNumFormat")
		w.b = AppendFormat(w.b, format(a.Format))
		w.bool("qIsAutoFormat", format(a.Format) == nil)
		w.close('}')
	}
	w.close(']')
	w.open("qAttrDimInfo", '[')
	for _, a := range dims {
		w.next('{')
		cardinal := 0
		if f := c.q.Infer.Model.Field(FieldName(a.Expr)); f != nil {
			cardinal = f.Symbols.Len()
		}
		w.int("qCardinal", cardinal)
		c.size(w, 0, 0)
		title := a.Label
		if title == "" {
			title = FieldName(a.Expr)
		}
		w.str("qFallbackTitle", title)
		w.close('}')
	}
	w.close(']')
}

// passOn copies the members that have no meaning of their own.
func (c *Cube) passOn(w *writer, n *tree.Node, known map[string]bool) {
	for i := range n.Len() {
		if k := n.Key(i); !known[k] {
			w.key(k)
			w.b = n.Item(i).Append(w.b)
		}
	}
}

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// Members of definitions that the layout says in its own way.
var (
	defMembers = set("qStateName", "qDimensions", "qMeasures", "qInterColumnSortOrder", "qSuppressZero", "qSuppressMissing",
		"qInitialDataFetch", "qReductionMode", "qMode", "qPseudoDimPos", "qNoOfLeftDims", "qAlwaysFullyExpanded", "qMaxStackedCells",
		"qPopulateMissing", "qShowTotalsAbove", "qIndentMode", "qCalcCond", "qSortbyYValue", "qTitle", "qCalcCondition", "qColumnOrder",
		"qExpansionState", "qDynamicScript", "qContextSetExpression", "qSuppressMeasureTotals",
		"qLibraryId", "qDef", "qAutoSortByState", "qFrequencyMode", "qShowAlternatives", "qExpressions", "qDirectQuerySimplifiedView",
		"qOtherTotalSpec", "qAttributeExpressions", "qAttributeDimensions")
	dimMembers = set("qLibraryId", "qDef", "qNullSuppression", "qIncludeElemValue", "qOtherTotalSpec", "qShowTotal", "qShowAll",
		"qOtherLabel", "qTotalLabel", "qCalcCond", "qAttributeExpressions", "qAttributeDimensions", "qCalcCondition",
		"qInitialDataFetch", "qFrequencyMode", "qShowAlternatives", "qExpressions", "qAutoSortByState", "qStateName", "qDirectQuerySimplifiedView")
	measureMembers = set("qLibraryId", "qDef", "qSortBy", "qAttributeExpressions", "qAttributeDimensions", "qCalcCond",
		"qCalcCondition", "qTrendLines", "qMiniChartDef")
	inlineMembers = set("qGrouping", "qFieldDefs", "qFieldLabels", "qSortCriterias", "qNumberPresentations", "qReverseSort",
		"qActiveField", "qLabelExpression", "qAlias", "qLabel", "qDescription", "qTags", "qDef", "qNumFormat", "qRelative",
		"qBrutalSum", "qAggrFunc", "qAccumulate", "qActiveExpression", "qExpressions")
)
