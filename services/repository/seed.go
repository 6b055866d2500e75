package repository

import (
	"context"
	"encoding/json"
	"os"
	"strconv"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// serviceAccounts are the users that services of a site are.
var serviceAccounts = []string{"sa_repository", "sa_api", "sa_engine", "sa_proxy", "sa_scheduler", "sa_printing"}

// seed makes what every site has, in one transaction, in a store that has no
// accounts of the site's own yet.
func (r *Repository) seed(ctx context.Context) error {
	n, err := r.store.Count(ctx, "User", store.Query{Where: filter.Equal("userDirectory", InternalDirectory)})
	if err != nil || n > 0 {
		return err
	}
	self := Service("repository")
	return r.change(ctx, &self, func(tx *store.Tx) error {
		s := &seeder{ctx: ctx, tx: tx}
		s.users()
		s.node()
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

// node makes this node, the central one, and its services.
func (s *seeder) node() {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	none := map[string]any{}
	cluster := s.create("ServiceCluster", "", map[string]any{"name": "ServiceCluster", "settings": map[string]any{
		"persistenceMode": number(1), "databaseCredentials": none, "encryption": none, "sharedPersistenceProperties": none,
	}})
	node := s.create("ServerNodeConfiguration", "", map[string]any{
		"name": "Central", "hostName": host, "isCentral": true, "nodePurpose": number(2), "serviceCluster": cluster,
		"engineEnabled": true, "proxyEnabled": true, "schedulerEnabled": true, "printingEnabled": false,
	})
	virtual := s.create("VirtualProxyConfig", "", map[string]any{
		"prefix": "", "description": "Central proxy (default)", "sessionCookieHeaderName": "X-Qlik-Session",
		"sessionInactivityTimeout": number(30), "defaultVirtualProxy": true,
	})
	for typ, settings := range map[string]map[string]any{
		"RepositoryService": {
			"logVerbosity": none, "externalCertificate": none, "synchronization": map[string]any{
				"synchronizationInterval": number(60_000), "snapshotTimeInterval": number(60), "snapshotSizeInterval": number(1000),
			},
			"cleaningAgent": map[string]any{
				"cleaningInterval": number(60), "databaseCleaningThreshold": number(30), "inMemoryCleaningThreshold": number(60),
			},
		},
		"SchedulerService": {"logVerbosity": none, "maxConcurrentEngines": number(4), "engineTimeout": number(30)},
		"ProxyService": {
			"logVerbosity": none, "listenPort": number(443), "unencryptedListenPort": number(80), "authenticationListenPort": number(4244),
			"unencryptedAuthenticationListenPort": number(4248), "restListenPort": number(4243),
			"virtualProxies": []any{virtual},
		},
		"EngineService": {"documentDirectory": "Apps"},
	} {
		s.create(typ, "", map[string]any{"serverNodeConfiguration": node, "settings": settings})
	}
}

// number is a whole number as documents have it.
func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

func (s *seeder) streams() {
	s.create("Stream", rules.EveryoneStreamID, map[string]any{"name": "Everyone", "owner": s.owner})
	s.create("Stream", rules.MonitoringStreamID, map[string]any{"name": "Monitoring apps", "owner": s.owner})
}

func (s *seeder) rules() {
	for _, rule := range rules.Defaults() {
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
}
