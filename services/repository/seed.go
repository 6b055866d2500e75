package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// serviceAccounts are the users that services of a site are.
var serviceAccounts = []string{"sa_repository", "sa_api", "sa_engine", "sa_proxy", "sa_scheduler", "sa_printing"}

// empty reports whether a store has no accounts of the site's own yet.
func (r *Repository) empty(ctx context.Context) (bool, error) {
	n, err := r.store.Count(ctx, "User", store.Query{Where: filter.Equal("userDirectory", InternalDirectory)})
	if err != nil {
		return false, fmt.Errorf("repository: accounts of the site: %w", err)
	}
	return n == 0, nil
}

// seed makes what every site has, in one transaction.
func (r *Repository) seed(ctx context.Context) error {
	self := Service("repository")
	return r.change(ctx, &self, func(tx *store.Tx) error {
		s := &seeder{ctx: ctx, tx: tx}
		s.users()
		s.cluster()
		s.streams()
		s.rules()
		return s.err
	})
}

// A seeder makes first entities. Its first error stays: later ones are not
// made.
type seeder struct {
	ctx   context.Context
	tx    *store.Tx
	owner map[string]any // of what has to have one
	err   error
}

// create makes an entity and returns a reference to it.
func (s *seeder) create(typ, id string, doc map[string]any) map[string]any {
	if s.err != nil {
		return nil
	}
	if id != "" {
		doc[schema.ID] = id
	}
	e, err := s.tx.Create(s.ctx, typ, doc)
	if err != nil {
		s.err = err
		return nil
	}
	return ref(e.ID)
}

func (s *seeder) users() {
	for _, id := range serviceAccounts {
		user := s.create("User", "", map[string]any{
			"userDirectory": InternalDirectory, "userId": id, "name": id, "removedExternally": false, "blacklisted": false, "deleteProhibited": true,
		})
		if s.owner == nil {
			s.owner = user
		}
	}
}

// number is a whole number as documents have it.
func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// cluster makes what nodes have in common.
func (s *seeder) cluster() {
	none := map[string]any{}
	s.create("ServiceCluster", "", map[string]any{"name": "ServiceCluster", "settings": map[string]any{
		"persistenceMode": number(1), "databaseCredentials": none, "encryption": none, "sharedPersistenceProperties": none,
	}})
	s.create("VirtualProxyConfig", "", map[string]any{
		"prefix": "", "description": "Central proxy (default)", "sessionCookieHeaderName": "X-Qlik-Session",
		"sessionInactivityTimeout": number(30), "defaultVirtualProxy": true, "useStickyLoadBalancing": true,
	})
}

func (s *seeder) streams() {
	s.create("Stream", rules.EveryoneStreamID, map[string]any{"name": "Everyone", "owner": s.owner})
	s.create("Stream", rules.MonitoringStreamID, map[string]any{"name": "Monitoring apps", "owner": s.owner})
}

func (s *seeder) rules() {
	for _, rule := range rules.Defaults() {
		s.rule(&rule)
	}
}

func (s *seeder) rule(rule *rules.Rule) {
	raw, err := json.Marshal(rule)
	if err != nil {
		s.err = err
		return
	}
	doc := map[string]any{}
	if err := json.Unmarshal(raw, &doc); err != nil {
		s.err = err
		return
	}
	s.create("SystemRule", rule.ID, doc)
}
