package api

import (
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/rules"
)

// A route is a special operation.
type route struct {
	method  string
	pattern []string // {name} stands for any part, whose text is an argument
	handle  func(*request) (answer, error)
	long    bool // moves files or runs scripts: its time is not bounded
	raw     bool // its body is a file, of any type
}

// transfer makes a route whose body is a file.
func transfer(pattern string, handle func(*request) (answer, error)) route {
	o := long(pattern, handle)
	o.raw = true
	return o
}

// long makes a route that may take its time.
func long(pattern string, handle func(*request) (answer, error)) route {
	o := at(pattern, handle)
	o.long = true
	return o
}

// at makes a route of "METHOD /path/{name}".
func at(pattern string, handle func(*request) (answer, error)) route {
	method, path, _ := strings.Cut(pattern, " ")
	return route{method: method, pattern: strings.Split(strings.Trim(path, "/"), "/"), handle: handle}
}

// match reports whether a request asks for the route, and its arguments, as
// they came.
func (o *route) match(r *request) (args map[string]string, fits bool) {
	if r.method != o.method || len(r.path) != len(o.pattern) {
		return nil, false
	}
	for i, p := range o.pattern {
		switch {
		case strings.HasPrefix(p, "{"):
			if args == nil {
				args = map[string]string{}
			}
			args[strings.Trim(p, "{}")] = r.raw[i]
		case p != r.path[i]:
			return nil, false
		}
	}
	return args, true
}

// special are the operations that are not the same for all types.
func (s *Server) special() []route {
	return slices.Concat(s.appRoutes(), s.taskRoutes(), s.contentRoutes(), s.selectionRoutes(), s.localRoutes(), s.directoryRoutes(), []route{
		at("GET /about", s.about),
		at("GET /about/api/enums", s.aboutEnums),
		at("GET /about/api/relations", s.aboutRelations),
		at("GET /about/api/description", s.aboutDescription),
		at("GET /about/api/default", s.aboutDefault),
		at("GET /about/api/default/{type}", s.aboutDefault),
		at("GET /about/openapi", s.openAPIList),
		at("GET /about/openapi/{interfacename}", s.openAPI),
		at("GET /ssl/ping", s.ping),
		at("GET /health", s.ping),
		at("GET /datacollection/settings", s.dataCollection),

		at("GET /virtualproxyconfig/{id}/generate/samlmetadata", s.samlTicket),
		at("GET /download/samlmetadata/{ticket}/{name}", s.samlMetadata),

		at("GET /license", s.license),
		at("GET /user/favorites", s.favorites),
		at("GET /user/ownedresources", s.ownedResources),
		at("PUT /user/favorites/{appid}", s.favorite(true)),
		at("DELETE /user/favorites/{appid}", s.favorite(false)),

		at("POST /systemrule/security/audit", s.audit(rules.Security)),
		at("POST /systemrule/security/audit/matrix", s.auditMatrix(rules.Security)),
		at("POST /systemrule/security/audit/preview", s.auditPreview(rules.Security)),
		at("POST /systemrule/security/audit/countresources", s.auditCount),
		at("POST /systemrule/security/audit/accessibleobjects", s.accessible),
		at("GET /systemrule/security/audit/export", s.auditExport),
		at("POST /systemrule/security/useractions", s.userActions(rules.Security, "UserSecurityActions")),
		at("POST /systemrule/license/audit", s.audit(rules.License)),
		at("POST /systemrule/license/audit/matrix", s.auditMatrix(rules.License)),
		at("POST /systemrule/license/audit/preview", s.auditPreview(rules.License)),
		at("POST /systemrule/license/useractions", s.userActions(rules.License, "UserLicenseActions")),
		at("POST /systemrule/sync/audit", s.audit(rules.LoadBalancing)),
		at("POST /systemrule/sync/audit/matrix", s.auditMatrix(rules.LoadBalancing)),
		at("POST /systemrule/sync/audit/preview", s.auditPreview(rules.LoadBalancing)),
		at("GET /systemrule/sync/linkednodes", s.linkedNodes),
		at("GET /systemrule/sync/linkedobjects", s.linkedObjects),
		at("GET /systemrule/security/parsetree", s.parseTree),
		at("GET /systemrule/security/accessibleattributes", s.accessibleAttributes),
		at("GET /systemrule/security/attributevalues", s.attributeValues),
		at("GET /systemrule/{category}/associatedrules", s.associatedRules),

		at("POST /loadbalancing/validengines", s.balance("validEngines", engineAddress)),
		at("POST /loadbalancing/validnodes", s.balance("hosts", nodeHost)),
		at("POST /loadbalancing/validnodes/extended", s.balance("nodes", extendedNode)),
		at("DELETE /cache", s.ruleReset),

		at("POST /applicationlog", s.clientLog("Application", "Application", func(m *clientMessage) string { return m.ApplicationName })),
		at("POST /managementconsolelog", s.clientLog("ManagementConsole", "Browser", func(m *clientMessage) string { return m.Browser })),
		at("POST /notification", s.subscribe),
		at("DELETE /notification", s.unsubscribe),
		at("GET /notification/changes", s.changes),
		at("POST /systemnotification/trigger", s.triggerMany),
		at("POST /systemnotification/{id}/trigger", s.trigger),

		at("GET /systemrule/security/referenceduserroles", s.ruleRoles),
		at("POST /systemrule/security/resetcache", s.ruleReset),
		at("GET /systemrule/security/explain", s.ruleExplain),
		at("POST /systemrule/security/evaluatetransientresources", s.ruleSections),
	})
}
