package repository

import (
	"context"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// needAdmin refuses a change that has just taken the last RootAdmin who can log
// in from the site: nobody could give the role again.
func needAdmin(ctx context.Context, tx *store.Tx, before, after *store.Entity) error {
	if before.Type != "User" || !isAdmin(before) || after != nil && isAdmin(after) {
		return nil
	}
	others, err := tx.List(ctx, "User", store.Query{Where: filter.Equal("roles", rules.RootAdmin)})
	if err != nil {
		return err
	}
	for _, u := range others {
		if u.ID != before.ID && isAdmin(u) {
			return nil
		}
	}
	return &schema.Error{Field: "roles", Reason: "nobody would be " + rules.RootAdmin + " any more"}
}

// isAdmin reports whether a user is a RootAdmin who can log in.
func isAdmin(u *store.Entity) bool {
	list, _ := u.Doc["roles"].([]any)
	for _, role := range list {
		if strings.EqualFold(text(role), rules.RootAdmin) { // as rules compare
			return !isClosed(u)
		}
	}
	return false
}
