package session

import (
	"context"
	"slices"
	"strconv"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// AppendLayout writes the layout of an item and marks its handle valid.
func (s *Session) AppendLayout(ctx context.Context, dst []byte, r *Ref) ([]byte, error) {
	it, err := s.ItemOf(r)
	if err != nil {
		return nil, err
	}
	switch it.Kind {
	case object.Generic:
		dst, err = object.AppendLayout(ctx, dst, object.View{
			ID: it.ID, Props: s.effective(it), SoftPatched: len(s.soft[it.ID]) > 0,
			InSelection: s.modal != nil && s.modal.object == it.ID,
			Made:        s.modal != nil && s.modal.object == it.ID && s.modal.made,
			Meta:        s.MetaOf(it),
		}, s)
	case object.Variable:
		dst, err = s.appendVariable(ctx, dst, it)
	default:
		dst, err = s.appendLibrary(ctx, dst, it)
	}
	if err != nil {
		return nil, err
	}
	s.SetValid(r)
	return dst, nil
}

func (s *Session) appendHead(dst []byte, it *object.Item) []byte {
	dst = it.Info().Append(tree.AppendKey(append(dst, '{'), "qInfo"))
	return object.Meta(it.Props, s.MetaOf(it)).Append(tree.AppendKey(dst, "qMeta"))
}

func (s *Session) appendVariable(ctx context.Context, dst []byte, it *object.Item) ([]byte, error) {
	text, num, err := s.VariableValue(ctx, it)
	if err != nil {
		return nil, err
	}
	dst = s.appendHead(dst, it)
	dst = tree.AppendString(tree.AppendKey(dst, "qText"), text)
	dst = tree.AppendFloat(tree.AppendKey(dst, "qNum"), num)
	if it.FromScript {
		dst = append(tree.AppendKey(dst, "qIsScriptCreated"), "true"...)
	}
	return append(dst, '}'), nil
}

// appendLibrary writes the layout of a master dimension, master measure or
// bookmark.
func (s *Session) appendLibrary(ctx context.Context, dst []byte, it *object.Item) ([]byte, error) {
	dst = s.appendHead(dst, it)
	switch it.Kind {
	case object.Dimension:
		dim := it.Props.Get("qDim")
		if label := object.ExprText(dim.Get("qLabelExpression")); label != "" {
			text, _, err := s.Expression(ctx, label, "$")
			if err != nil {
				return nil, err
			}
			dim = dim.With("qLabelExpression", tree.NewString(text))
		}
		dst = dim.Append(tree.AppendKey(dst, "qDim"))
		dst = s.appendDimInfos(tree.AppendKey(dst, "qDimInfos"), dim)
	case object.Measure:
		dst = it.Props.Get("qMeasure").Append(tree.AppendKey(dst, "qMeasure"))
	case object.Bookmark:
		dst = s.appendBookmark(tree.AppendKey(dst, "qBookmark"), it)
		dst = append(tree.AppendKey(dst, "qFieldInfos"), "[]"...)
	}
	for i := range it.Props.Len() { // members of the client's own
		if key := it.Props.Key(i); !slices.Contains([]string{"qInfo", "qMetaDef", "qDim", "qMeasure"}, key) {
			dst = it.Props.Item(i).Append(tree.AppendKey(dst, key))
		}
	}
	return append(dst, '}'), nil
}

func (s *Session) appendDimInfos(dst []byte, dim *tree.Node) []byte {
	dst = append(dst, '[')
	for _, def := range dim.Get("qFieldDefs").Strings() {
		dst = append(tree.AppendComma(dst), '{')
		cardinal, tags := 0, []string(nil)
		if f := s.FieldOf(def); f != nil {
			cardinal, tags = f.Symbols.Len(), f.Tags
		}
		dst = append(tree.AppendKey(dst, "qApprMaxGlyphCount"), '0')
		dst = strconv.AppendInt(tree.AppendKey(dst, "qCardinal"), int64(cardinal), 10)
		dst = tree.NewStrings(tags...).Append(tree.AppendKey(dst, "qTags"))
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendBookmark writes what a bookmark selects, field by field.
func (s *Session) appendBookmark(dst []byte, it *object.Item) []byte {
	dst = append(dst, `{"qStateData":[`...)
	for _, st := range it.State.Get("states").Items() {
		dst = append(tree.AppendComma(dst), '{')
		dst = st.Get("name").Append(tree.AppendKey(dst, "qStateName"))
		dst = append(tree.AppendKey(dst, "qFieldItems"), '[')
		for _, f := range st.Get("fields").Items() {
			if s.hides(f.Get("field").Str()) {
				continue
			}
			dst = append(tree.AppendComma(dst), `{"qDef":{"qName":`...)
			dst = append(f.Get("field").Append(dst), `,"qType":"PRESENT"},"qSelectInfo":{"qTextSearch":"","qRangeLo":"NaN","qRangeHi":"NaN"}`...)
			dst = append(dst, `,"qValues":[`...)
			for _, v := range s.ShownValues(f) {
				if v.Has("n") {
					dst = append(tree.AppendComma(dst), '"')
					dst = append(v.Get("n").Append(dst), '"')
				} else {
					dst = v.Get("t").Append(tree.AppendComma(dst))
				}
			}
			dst = append(dst, `],"qExcludedValues":[],"qAndMode":false,"qOneAndOnlyOne":false}`...)
		}
		dst = append(dst, ']', '}')
	}
	dst = append(dst, `],"qUtcModifyTime":`...)
	dst = tree.AppendFloat(dst, Serial(it.Modified))
	return append(dst, `,"qVariableItems":[],"qPatches":[]}`...)
}

// Dimension is the layout of a master dimension that GetDimension answers.
func (s *Session) Dimension(it *object.Item) *tree.Node { return it.Props.Get("qDim") }
