package session

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/dual"
)

var _ object.Host = (*Session)(nil)

// Context returns what chart expressions are evaluated in.
func (s *Session) Context(name string) *query.Context {
	return &query.Context{
		Infer: s.data.Infer, History: s.history, State: name,
		Fn: &fn.Context{
			Locale: s.data.Locale, Now: s.app.Now, User: s.User, AppName: s.app.Title(), AppID: s.app.ID,
			ReloadTime: s.app.Loaded(), StartTime: s.app.Now(),
		},
		Variable: s.variableText,
		Bookmark: func(id string) (*state.State, bool) { return s.Bookmark(id, name) },
		Library:  s.libraryText,
		Workers:  s.lib.Options().Workers,
	}
}

func (s *Session) variableText(name string) (string, bool) {
	it := s.VariableItem(name)
	if it == nil {
		return "", false
	}
	return it.Props.Get("qDefinition").Str(), true
}

// libraryText returns the expression of a master measure, or the field of a
// master dimension, by its label.
func (s *Session) libraryText(label string) (string, bool) {
	for _, it := range s.Items(object.Measure) {
		m := it.Props.Get("qMeasure")
		if m.Get("qLabel").Str() == label || it.Props.Get("qMetaDef").Get("title").Str() == label {
			return m.Get("qDef").Str(), true
		}
	}
	for _, it := range s.Items(object.Dimension) {
		if it.Props.Get("qMetaDef").Get("title").Str() == label {
			if defs := it.Props.Get("qDim").Get("qFieldDefs").Strings(); len(defs) > 0 {
				return defs[0], true
			}
		}
	}
	return "", false
}

// Expression implements [object.Host]. An error of the expression is its
// text, as users see it in a chart's title.
func (s *Session) Expression(ctx context.Context, source, name string) (text string, num float64, err error) {
	if strings.TrimSpace(source) == "" {
		return "", math.NaN(), nil
	}
	v, err := s.Value(ctx, source, name)
	if err != nil {
		if ctx.Err() != nil {
			return "", 0, err
		}
		return "Error: " + err.Error(), math.NaN(), nil
	}
	if v.IsNull() {
		return "-", math.NaN(), nil
	}
	return s.data.Locale.Text(v), v.Float(), nil
}

// Value evaluates an expression without dimensions in a state.
func (s *Session) Value(ctx context.Context, source, name string) (dual.Value, error) {
	return s.data.Results.Value(ctx, s.Context(name), source)
}

// AppendDef implements [object.Host].
func (s *Session) AppendDef(ctx context.Context, dst []byte, d object.Def) (out []byte, known bool, err error) {
	switch d.Name {
	case "qAppObjectListDef":
		return s.appendItems(dst, object.Generic, d.Node), true, nil
	case "qDimensionListDef":
		return s.appendItems(dst, object.Dimension, d.Node), true, nil
	case "qMeasureListDef":
		return s.appendItems(dst, object.Measure, d.Node), true, nil
	case "qBookmarkListDef":
		return s.appendItems(dst, object.Bookmark, d.Node), true, nil
	case "qVariableListDef":
		return s.appendVariables(dst, d.Node), true, nil
	case "qFieldListDef":
		return s.appendFields(dst, d.Node), true, nil
	case "qChildListDef":
		return s.appendChildren(dst, d), true, nil
	case "qSelectionObjectDef":
		out, err = s.appendSelections(dst, d)
		return out, true, err
	case "qListObjectDef", "qHyperCubeDef":
		out, err = s.appendCube(ctx, dst, d)
		return out, true, err
	case "qMediaListDef":
		out, err = s.appendMedia(dst)
		return out, true, err
	case "qExtensionListDef":
		return append(dst, `{"qItems":[]}`...), true, nil
	case "qUndoInfoDef":
		return append(dst, `{"qUndoCount":0,"qRedoCount":0}`...), true, nil
	case "qStaticContentUrlDef":
		return d.Node.Append(dst), true, nil
	}
	return dst, false, nil
}

// privileges is what everybody may do with objects of his session.
var privileges = tree.NewStrings("read", "update", "delete", "exportdata")

// MetaOf returns what the app adds to the qMeta of an item.
func (s *Session) MetaOf(it *object.Item) *tree.Node {
	if s.IsSessionObject(it.ID) {
		return tree.NewObject(tree.Member{Key: "privileges", Value: privileges})
	}
	st := s.standing(it)
	meta := tree.NewObject(
		tree.Member{Key: "createdDate", Value: tree.NewString(Instant(it.Created))},
		tree.Member{Key: "modifiedDate", Value: tree.NewString(Instant(it.Modified))},
		tree.Member{Key: "published", Value: tree.NewBool(st.Published)},
		tree.Member{Key: "approved", Value: tree.NewBool(st.Approved)},
		tree.Member{Key: "privileges", Value: tree.NewStrings(st.Rights.names()...)})
	if directory, id, ok := strings.Cut(st.Owner, `\`); ok {
		meta = meta.With("owner", tree.NewObject(
			tree.Member{Key: "userId", Value: tree.NewString(id)}, tree.Member{Key: "userDirectory", Value: tree.NewString(directory)},
			tree.Member{Key: "name", Value: tree.NewString(st.OwnerName)}))
	}
	return meta
}

// names returns the rights as clients know them.
func (r Rights) names() []string {
	var names []string
	for i, name := range []string{"read", "update", "delete", "publish", "approve"} {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if r&ReadObject != 0 {
		names = append(names, "exportdata")
	}
	return names
}

// Instant writes a time as layouts have it; the zero time is empty.
func Instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func (s *Session) appendItems(dst []byte, kind object.Kind, def *tree.Node) []byte {
	typ := def.Get("qType").Str()
	dst = append(dst, `{"qItems":[`...)
	for _, it := range s.Items(kind) {
		if it.Parent != "" || typ != "" && !strings.EqualFold(typ, it.Type) {
			continue
		}
		dst = object.AppendEntry(tree.AppendComma(dst), it, s.MetaOf(it), def.Get("qData"))
	}
	return append(dst, ']', '}')
}

// AppendItemList writes the entries of the items of a kind and types as an
// array.
func (s *Session) AppendItemList(dst []byte, kind object.Kind, types []string, data *tree.Node, withSession bool) []byte {
	items := s.Items(kind)
	if withSession {
		items = append(items, s.objects.All(kind)...)
	}
	dst = append(dst, '[')
	for _, it := range items {
		if it.Parent == "" && (len(types) == 0 || slices.Contains(types, it.Type)) {
			dst = object.AppendEntry(tree.AppendComma(dst), it, s.MetaOf(it), data)
		}
	}
	return append(dst, ']')
}

func (s *Session) appendVariables(dst []byte, def *tree.Node) []byte {
	return append(s.AppendVariableItems(append(dst, `{"qItems":`...), def), '}')
}

// AppendVariableItems writes the list of variables as an array.
func (s *Session) AppendVariableItems(dst []byte, def *tree.Node) []byte {
	items := s.app.Items.All(object.Variable)
	if def.Get("qShowSession").Truth() {
		items = append(items, s.objects.All(object.Variable)...)
	}
	dst = append(dst, '[')
	for _, it := range items {
		system := isConfig(it.Name())
		if system && !def.Get("qShowConfig").Truth() {
			continue
		}
		dst = append(tree.AppendComma(dst), '{')
		dst = tree.AppendString(tree.AppendKey(dst, "qName"), it.Name())
		dst = tree.AppendString(tree.AppendKey(dst, "qDescription"), it.Props.Get("qComment").Str())
		dst = tree.AppendString(tree.AppendKey(dst, "qDefinition"), it.Props.Get("qDefinition").Str())
		dst = strconv.AppendBool(tree.AppendKey(dst, "qIsConfig"), system)
		dst = strconv.AppendBool(tree.AppendKey(dst, "qIsReserved"), false)
		dst = strconv.AppendBool(tree.AppendKey(dst, "qIsScriptCreated"), it.FromScript)
		entry := object.AppendEntry(nil, it, s.MetaOf(it), def.Get("qData"))
		dst = append(append(append(dst, ','), entry[1:len(entry)-1]...), '}')
	}
	return append(dst, ']')
}

// isConfig reports whether a variable is one of the format settings.
func isConfig(name string) bool {
	switch name {
	case "ThousandSep", "DecimalSep", "MoneyThousandSep", "MoneyDecimalSep", "MoneyFormat", "TimeFormat", "DateFormat",
		"TimestampFormat", "FirstWeekDay", "BrokenWeeks", "ReferenceDay", "FirstMonthOfYear", "CollationLocale",
		"CreateSearchIndexOnReload", "MonthNames", "LongMonthNames", "DayNames", "LongDayNames", "NumericalAbbreviation":
		return true
	}
	return false
}

func (s *Session) appendChildren(dst []byte, d object.Def) []byte {
	dst = append(dst, `{"qItems":[`...)
	if it := s.Item(d.Object); it != nil {
		for _, c := range s.Children(it) {
			dst = object.AppendEntry(tree.AppendComma(dst), c, s.MetaOf(c), d.Node.Get("qData"))
		}
	}
	return append(dst, ']', '}')
}

func (s *Session) appendFields(dst []byte, def *tree.Node) []byte {
	dst = append(dst, `{"qItems":[`...)
	for _, f := range s.data.Model.Fields {
		system, hidden := model.IsSynthetic(f.Name), slices.Contains(f.Tags, "$hidden")
		if system && !def.Get("qShowSystem").Truth() || hidden && !def.Get("qShowHidden").Truth() {
			continue
		}
		dst = append(tree.AppendComma(dst), '{')
		dst = tree.AppendString(tree.AppendKey(dst, "qName"), f.Name)
		dst = strconv.AppendInt(tree.AppendKey(dst, "qCardinal"), int64(f.Symbols.Len()), 10)
		dst = tree.NewStrings(f.Tags...).Append(tree.AppendKey(dst, "qTags"))
		dst = strconv.AppendBool(tree.AppendKey(dst, "qIsSystem"), system)
		dst = strconv.AppendBool(tree.AppendKey(dst, "qIsHidden"), hidden)
		dst = strconv.AppendBool(tree.AppendKey(dst, "qIsSemantic"), false)
		if def.Get("qShowSrcTables").Truth() {
			dst = tree.NewStrings(SourceTables(f)...).Append(tree.AppendKey(dst, "qSrcTables"))
		}
		dst = append(dst, '}')
	}
	return append(dst, ']', '}')
}

// SourceTables returns the names of the tables that hold a field, synthetic
// ones left out.
func SourceTables(f *model.Field) []string {
	var names []string
	for _, t := range f.Tables {
		if !t.Synthetic {
			names = append(names, t.Name)
		}
	}
	return names
}

// selectionThreshold is up to how many selected values are named.
const selectionThreshold = 6

func (s *Session) appendSelections(dst []byte, d object.Def) ([]byte, error) {
	st, err := s.State(d.State)
	if err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	if d.State != "$" {
		dst = tree.AppendString(tree.AppendKey(dst, "qStateName"), d.State)
	}
	dst = strconv.AppendInt(tree.AppendKey(dst, "qBackCount"), int64(s.history.BackCount()), 10)
	dst = strconv.AppendInt(tree.AppendKey(dst, "qForwardCount"), int64(s.history.ForwardCount()), 10)
	dst = append(tree.AppendKey(dst, "qSelections"), '[')
	for i, name := range st.Fields() {
		if f := s.data.Model.Field(name); f != nil {
			dst = s.appendSelection(tree.AppendComma(dst), f, d.State, i)
		}
	}
	return append(dst, ']', '}'), nil
}

// appendSelection appends the NxCurrentSelectionItem of a field in a state.
func (s *Session) appendSelection(dst []byte, f *model.Field, name string, index int) []byte {
	st, _ := s.State(name)
	sel, _ := st.Field(f.Name)
	counts := s.data.Infer.Counts(st, f)
	n := sel.Codes.Count()
	texts := s.someSelected(f, sel.Codes.All())
	dst = append(dst, '{')
	dst = tree.AppendString(tree.AppendKey(dst, "qField"), f.Name)
	dst = tree.AppendString(tree.AppendKey(dst, "qReadableName"), f.Name)
	dst = tree.AppendString(tree.AppendKey(dst, "qSelected"), selectedText(texts, n, f.Symbols.Len()))
	dst = strconv.AppendInt(tree.AppendKey(dst, "qSelectedCount"), int64(n), 10)
	dst = strconv.AppendInt(tree.AppendKey(dst, "qTotal"), int64(f.Symbols.Len()), 10)
	dst = strconv.AppendInt(tree.AppendKey(dst, "qSelectionThreshold"), selectionThreshold, 10)
	dst = strconv.AppendInt(tree.AppendKey(dst, "qSortIndex"), int64(index), 10)
	dst = strconv.AppendBool(tree.AppendKey(dst, "qLocked"), sel.Locked)
	dst = strconv.AppendBool(tree.AppendKey(dst, "qOneAndOnlyOne"), sel.OneAlways)
	dst = strconv.AppendBool(tree.AppendKey(dst, "qIsNum"), slices.Contains(f.Tags, "$numeric"))
	dst = tree.AppendString(tree.AppendKey(dst, "qTextSearch"), "")
	dst = append(tree.AppendKey(dst, "qRangeInfo"), "[]"...)
	dst = AppendStateCounts(tree.AppendKey(dst, "qStateCounts"), counts)
	dst = strconv.AppendInt(tree.AppendKey(dst, "qSelectedExcludedCount"), int64(counts[infer.SelectedExcluded]+counts[infer.LockedExcluded]), 10)
	dst = append(tree.AppendKey(dst, "qSelectedFieldSelectionInfo"), '[')
	for _, t := range texts {
		dst = append(tree.AppendComma(dst), '{')
		dst = append(tree.AppendString(tree.AppendKey(dst, "qName"), t), '}')
	}
	dst = append(dst, ']')
	dst = append(tree.AppendKey(dst, "qNotSelectedFieldSelectionInfo"), "[]"...)
	return append(dst, '}')
}

// someSelected returns the texts of the selected values as far as they are
// shown.
func (s *Session) someSelected(f *model.Field, codes func(func(int) bool)) (texts []string) {
	for code := range codes {
		if len(texts) == selectionThreshold {
			break
		}
		texts = append(texts, s.Text(f, code))
	}
	return texts
}

func selectedText(texts []string, n, total int) string {
	if n == total && total > 1 {
		return "ALL"
	}
	if n > len(texts) {
		return strconv.Itoa(n) + " of " + strconv.Itoa(total)
	}
	return strings.Join(texts, ", ")
}

// AppendStateCounts writes the number of values by status.
func AppendStateCounts(dst []byte, n infer.Counts) []byte {
	dst = append(dst, '{')
	for _, c := range []struct {
		key string
		n   int
	}{
		{"qLocked", n[infer.Locked]},
		{"qSelected", n[infer.Selected]},
		{"qOption", n[infer.Optional]},
		{"qDeselected", 0},
		{"qAlternative", n[infer.Alternative]},
		{"qExcluded", n[infer.Excluded]},
		{"qSelectedExcluded", n[infer.SelectedExcluded]},
		{"qLockedExcluded", n[infer.LockedExcluded]},
	} {
		dst = strconv.AppendInt(tree.AppendKey(dst, c.key), int64(c.n), 10)
	}
	return append(dst, '}')
}
