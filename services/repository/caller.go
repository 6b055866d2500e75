package repository

import (
	"strings"

	"github.com/cognate-bi/cognate/services/repository/rules"
)

// A Caller is who asks, and from where.
type Caller struct {
	Directory, ID string
	Session       rules.Attributes // from a ticket, SAML, JWT or OIDC
	Environment   rules.Attributes // browser, context, device, ip, os, securerequest
	Context       rules.Context
}

// InternalDirectory is the directory of the site's own accounts.
const InternalDirectory = "INTERNAL"

// Service returns the caller that a service of the site is: INTERNAL\sa_name.
// It may do everything.
func Service(name string) Caller {
	return Caller{Directory: InternalDirectory, ID: "sa_" + name, Context: rules.ContextBoth}
}

// IsService reports whether the caller is a service account.
func (c *Caller) IsService() bool {
	return strings.EqualFold(c.Directory, InternalDirectory) && len(c.ID) > 3 && strings.EqualFold(c.ID[:3], "sa_")
}

// String returns DIRECTORY\id, as who changed an entity is named.
func (c *Caller) String() string { return c.Directory + `\` + c.ID }

// A Right is an action on a resource, for errors.
type Right struct {
	Action rules.Action
	Type   string
	ID     string
}
