package object

import (
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/object/tree"
)

// A field is one known member of a protocol structure.
//
// kind is 's' string, 'b' bool, 'i' integer (also number), 'e' enum, 'o'
// structure, 'x' any; list says that there is an array of it.
type field struct {
	name, of string // of = name of the structure or enum
	kind     byte
	list     bool
	def      *tree.Node // what is written when the member is missing, nil = nothing
	whole    *tree.Node // def with the defaults in it, shared by all trees: they never change
}

// structures are the known ones by name.
type structures map[string][]field

// schema lists the structures of the protocol that properties consist of, as
// "name:type" with types s, b, i, x, an enum or structure by name, [type], and
// "=default" where it is not the empty value.
var schema = parseSchema(map[string]string{
	"HyperCubeDef": `qStateName:s qDimensions:[NxDimension] qMeasures:[NxMeasure] qInterColumnSortOrder:[i] qSuppressZero:b
		qSuppressMissing:b qInitialDataFetch:[NxPage] qReductionMode:ReductionMode=N qMode:CubeMode=S qPseudoDimPos:i=-1 qNoOfLeftDims:i=-1
		qAlwaysFullyExpanded:b qMaxStackedCells:i=5000 qPopulateMissing:b qShowTotalsAbove:b qIndentMode:b qCalcCond:Expr
		qSortbyYValue:i qTitle:Expr qCalcCondition:NxCalcCond qColumnOrder:[i] qExpansionState:[x] qDynamicScript:[s] qContextSetExpression:s
		qSuppressMeasureTotals:b`,
	"NxDimension": `qLibraryId:s qDef:NxInlineDimensionDef qNullSuppression:b qIncludeElemValue:b qOtherTotalSpec:OtherTotalSpecProp
		qShowTotal:b qShowAll:b qOtherLabel:Expr qTotalLabel:Expr qCalcCond:Expr qAttributeExpressions:[NxAttrExprDef]
		qAttributeDimensions:[NxAttrDimDef] qCalcCondition:NxCalcCond`,
	"NxInlineDimensionDef": `qGrouping:Grouping=N qFieldDefs:[s] qFieldLabels:[s] qSortCriterias:[SortCriteria]
		qNumberPresentations:[FieldAttributes] qReverseSort:b qActiveField:i qLabelExpression:s qAlias:s`,
	"NxMeasure": `qLibraryId:s qDef:NxInlineMeasureDef qSortBy:SortCriteria qAttributeExpressions:[NxAttrExprDef]
		qAttributeDimensions:[NxAttrDimDef] qCalcCond:Expr qCalcCondition:NxCalcCond qTrendLines:[x] qMiniChartDef:x`,
	"NxInlineMeasureDef": `qLabel:s qDescription:s qTags:[s] qGrouping:Grouping=N qDef:s qNumFormat:FieldAttributes qRelative:b
		qBrutalSum:b qAggrFunc:s qAccumulate:i qReverseSort:b qActiveExpression:i qExpressions:[s] qLabelExpression:s`,
	"SortCriteria": `qSortByState:i qSortByFrequency:i qSortByNumeric:i qSortByAscii:i qSortByLoadOrder:i qSortByExpression:i
		qExpression:Expr qSortByGreyness:i`,
	"NxPage": `qLeft:i qTop:i qWidth:i qHeight:i`,
	"OtherTotalSpecProp": `qOtherMode:OtherMode=OTHER_OFF qOtherCounted:Expr qOtherLimit:Expr qOtherLimitMode:OtherLimitMode=OTHER_GT_LIMIT
		qSuppressOther:b qForceBadValueKeeping:b=true qApplyEvenWhenPossiblyWrongResult:b=true qGlobalOtherGrouping:b
		qOtherCollapseInnerDimensions:b qOtherSortMode:OtherSortMode=OTHER_SORT_DESCENDING qTotalMode:TotalMode=TOTAL_OFF
		qReferencedExpression:Expr`,
	"NxAttrExprDef":   `qExpression:s qLibraryId:s qAttribute:b qNumFormat:FieldAttributes qLabel:s qLabelExpression:s`,
	"NxAttrDimDef":    `qDef:s qLibraryId:s qSortBy:SortCriteria qAttribute:b`,
	"NxCalcCond":      `qCond:Expr qMsg:Expr`,
	"FieldAttributes": `qType:FormatType=U qnDec:i=10 qUseThou:i qFmt:s qDec:s qThou:s`,
	"ListObjectDef": `qStateName:s qLibraryId:s qDef:NxInlineDimensionDef qAutoSortByState:AutoSort qFrequencyMode:FrequencyMode=N
		qShowAlternatives:b qInitialDataFetch:[NxPage] qExpressions:[x] qDirectQuerySimplifiedView:b`,
	"AutoSort":  `qDisplayNumberOfRows:i`,
	"Expr":      ``,
	"Generic":   `qExtendsId:s qMetaDef:Expr qStateName:s`,
	"Dimension": `qDim:NxLibraryDimensionDef qMetaDef:Expr`,
	"NxLibraryDimensionDef": `qGrouping:Grouping=N qFieldDefs:[s] qFieldLabels:[s] qLabelExpression:s qAlias:s
		qScriptGenerated:b`,
	"Measure": `qMeasure:NxLibraryMeasureDef qMetaDef:Expr`,
	"NxLibraryMeasureDef": `qLabel:s qDef:s qGrouping:Grouping=N qExpressions:[s] qActiveExpression:i qLabelExpression:s
		qNumFormat:FieldAttributes qScriptGenerated:b`,
	"Bookmark": `qMetaDef:Expr qIncludeVariables:b qDistinctValues:b`,
	"Variable": `qMetaDef:Expr qName:s qComment:s qNumberPresentation:FieldAttributes qIncludeInBookmark:b qDefinition:s`,
})

// roots are the structures of whole property trees.
var roots = map[Kind]string{Generic: "Generic", Dimension: "Dimension", Measure: "Measure", Bookmark: "Bookmark", Variable: "Variable"}

// embedded are the members that mean a structure wherever they stand.
var embedded = map[string]string{"qHyperCubeDef": "HyperCubeDef", "qListObjectDef": "ListObjectDef"}

// enums maps what clients write (without case and without the prefix EQ_) to
// the spelling that is stored. Position is the number that also names it.
var enums = map[string][][2]string{
	"CubeMode": {{"S", "DATA_MODE_STRAIGHT"}, {"P", "DATA_MODE_PIVOT"}, {"K", "DATA_MODE_PIVOT_STACK"}, {"T", "DATA_MODE_TREE"}, {"D", "DATA_MODE_DYNAMIC"}},
	"ReductionMode": {
		{"N", "DATA_REDUCTION_NONE"},
		{"D1", "DATA_REDUCTION_ONEDIM"},
		{"S", "DATA_REDUCTION_SCATTERED"},
		{"C", "DATA_REDUCTION_CLUSTERED"},
		{"ST", "DATA_REDUCTION_STACKED"},
	},
	"Grouping":      {{"N", "GRP_NX_NONE"}, {"H", "GRP_NX_HIEARCHY"}, {"C", "GRP_NX_COLLECTION"}},
	"FrequencyMode": {{"N", "NX_FREQUENCY_NONE"}, {"V", "NX_FREQUENCY_VALUE"}, {"P", "NX_FREQUENCY_PERCENT"}, {"R", "NX_FREQUENCY_RELATIVE"}},
	"FormatType": {
		{"U", "UNKNOWN"},
		{"A", "ASCII"},
		{"R", "REAL"},
		{"D", "DATE"},
		{"T", "TIME"},
		{"TS", "TIMESTAMP"},
		{"IV", "INTERVAL"},
		{},
		{},
		{},
		{"I", "INTEGER"},
		{"F", "FIX"},
		{"M", "MONEY"},
	},
	"OtherMode": {
		{"OTHER_OFF"},
		{"OTHER_COUNTED"},
		{"OTHER_ABS_LIMITED"},
		{"OTHER_ABS_ACC_TARGET"},
		{"OTHER_REL_LIMITED"},
		{"OTHER_REL_ACC_TARGET"},
	},
	"OtherLimitMode": {{"OTHER_GE_LIMIT"}, {"OTHER_LE_LIMIT"}, {"OTHER_GT_LIMIT"}, {"OTHER_LT_LIMIT"}},
	"OtherSortMode":  {{"OTHER_SORT_DEFAULT"}, {"OTHER_SORT_DESCENDING"}, {"OTHER_SORT_ASCENDING"}},
	"TotalMode":      {{"TOTAL_OFF"}, {"TOTAL_EXPR"}},
}

func parseSchema(src map[string]string) structures {
	out := structures{}
	for name, list := range src {
		out[name] = nil
		for _, word := range strings.Fields(list) {
			out[name] = append(out[name], parseField(src, word))
		}
	}
	for _, fields := range out {
		for i := range fields {
			out.complete(&fields[i])
		}
	}
	return out
}

// complete returns what is written when a member is missing, nil = nothing.
func (s structures) complete(f *field) *tree.Node {
	if f.whole == nil && f.def != nil {
		f.whole = s.member(f, f.def)
	}
	return f.whole
}

func parseField(structs map[string]string, word string) field {
	name, kind, _ := strings.Cut(word, ":")
	kind, def, _ := strings.Cut(kind, "=")
	f := field{name: name}
	f.list = strings.HasPrefix(kind, "[")
	kind = strings.Trim(kind, "[]")
	switch {
	case len(kind) == 1:
		f.kind = kind[0]
	case enums[kind] != nil:
		f.kind, f.of = 'e', kind
	default:
		if _, ok := structs[kind]; !ok {
			panic("object: BUG: unknown type " + kind + " in the schema")
		}
		f.kind, f.of = 'o', kind
	}
	f.def = f.missing(def)
	return f
}

// missing returns what is written for a missing member: numbers, enums,
// arrays and structures are, empty strings and false are left out.
func (f *field) missing(def string) *tree.Node {
	switch {
	case f.list:
		return tree.NewArray()
	case f.kind == 'i':
		n, _ := strconv.Atoi(def) // "" is 0
		return tree.NewInt(n)
	case f.kind == 'e':
		return tree.NewString(def)
	case f.kind == 'b' && def == "true":
		return tree.NewBool(true)
	case f.kind == 'o':
		return tree.NewObject()
	}
	return nil
}

// Expand writes properties as the engine keeps them: known structures get
// their defaults, enums their short spelling; empty strings and false are
// left out of them. Everything unknown stays as it is.
func Expand(kind Kind, props *tree.Node) *tree.Node {
	return schema.expand(roots[kind], expandAny(props))
}

// expandAny looks for embedded definitions in any JSON.
func expandAny(n *tree.Node) *tree.Node {
	out := n
	switch n.Kind() {
	case tree.Object:
		for i := range n.Len() {
			key, v := n.Key(i), n.Item(i)
			w := expandAny(v)
			if name, ok := embedded[key]; ok {
				w = schema.expand(name, w)
			}
			if w != v {
				out = out.With(key, w)
			}
		}
	case tree.Array:
		var items []*tree.Node
		for i, v := range n.Items() {
			w := expandAny(v)
			if w != v && items == nil {
				items = append(items, n.Items()...)
			}
			if w != v {
				items[i] = w
			}
		}
		if items != nil {
			out = tree.NewArray(items...)
		}
	}
	return out
}

// expand writes the structure of a name with its defaults.
func (s structures) expand(name string, n *tree.Node) *tree.Node {
	if n.Kind() != tree.Object {
		return n // wrong, but the client's: the layout says so
	}
	for i := range s[name] {
		f := &s[name][i]
		v := n.Get(f.name)
		switch {
		case v.IsNull() && f.def != nil:
			n = n.With(f.name, s.complete(f))
		case v.IsNull():
			n = n.Without(f.name)
		case f.empty(v):
			n = n.Without(f.name)
		default:
			if w := s.member(f, v); w != v {
				n = n.With(f.name, w)
			}
		}
	}
	return n
}

// empty reports whether a known member is left out for its value.
func (f *field) empty(v *tree.Node) bool {
	if f.list {
		return false
	}
	return f.kind == 's' && v.Kind() == tree.String && v.Str() == "" || f.kind == 'b' && !v.Truth() && f.def == nil
}

// member writes the value of a member.
func (s structures) member(f *field, v *tree.Node) *tree.Node {
	if !f.list {
		return s.one(f, v)
	}
	if v.Kind() != tree.Array || v.Len() == 0 {
		return v
	}
	items := make([]*tree.Node, v.Len())
	for i, item := range v.Items() {
		items[i] = s.one(f, item)
	}
	return tree.NewArray(items...)
}

func (s structures) one(f *field, v *tree.Node) *tree.Node {
	switch f.kind {
	case 'o':
		return s.expand(f.of, v)
	case 'e':
		if name := EnumName(f.of, v); v.Kind() != tree.String || v.Str() != name {
			return tree.NewString(name)
		}
	}
	return v
}

// EnumName returns the stored spelling of an enum that a client may write
// short, long, with the prefix EQ_ or as a number. What is unknown comes back
// as written.
func EnumName(enum string, v *tree.Node) string {
	names := enums[enum]
	if v.Kind() == tree.Number {
		if i := v.Int(); i >= 0 && i < len(names) && names[i][0] != "" {
			return names[i][0]
		}
		return names[0][0]
	}
	s := v.Str()
	for _, n := range names {
		if n[0] != "" && strings.EqualFold(s, n[0]) {
			return n[0]
		}
		if n[1] != "" && strings.EqualFold(strings.TrimPrefix(s, "EQ_"), n[1]) {
			return n[0]
		}
	}
	return s
}
