package session

import (
	"context"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/storage/bitset"
)

type groupKey struct {
	object, path string
	dim          int
}

func (s *Session) appendCube(ctx context.Context, dst []byte, d object.Def) ([]byte, error) {
	return append(dst, "null"...), nil
}

func (s *Session) appendList(ctx context.Context, dst []byte, d object.Def) ([]byte, error) {
	return append(dst, "null"...), nil
}

func (s *Session) searchExpr(ctx context.Context, f *model.Field, name, source string) (*bitset.Set, error) {
	return bitset.New(f.Symbols.Len() + 1), nil
}
