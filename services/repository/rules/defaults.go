package rules

import (
	"crypto/sha1" // ids of version 5 are made so; nothing is protected by it
	"fmt"
	"strings"
)

// Entities that every installation has.
const (
	EveryoneStreamID   = "aaec8d41-5201-43ab-809f-3063750dfafd"
	MonitoringStreamID = "a70ca8a5-1d59-4cc9-b5fa-6e207978dcaf"
)

// AttachedFilesID returns the id of the data connection of files that are
// uploaded into apps.
func AttachedFilesID() string { return seedID("DataConnection AttachedFiles") }

// DefaultLibraryID returns the id of the content library that everybody may
// read.
func DefaultLibraryID() string { return seedID("ContentLibrary Default") }

// DefaultLibraryRule is the name of the rule that says so.
const DefaultLibraryRule = "DefaultContentLibrary"

// Roles that default rules name.
const (
	RootAdmin       = "RootAdmin"
	AuditAdmin      = "AuditAdmin"
	ContentAdmin    = "ContentAdmin"
	DeploymentAdmin = "DeploymentAdmin"
	SecurityAdmin   = "SecurityAdmin"
	HubAdmin        = "HubAdmin"
)

// Defaults returns the rules of a new installation. Their ids are their seed
// ids, the same on every installation.
func Defaults() []Rule {
	var stored []Rule
	for _, group := range [][]defaultRule{ownerDefaults(), adminDefaults(), appDefaults(), contentDefaults(), otherDefaults()} {
		for _, d := range group {
			stored = append(stored, d.rule())
		}
	}
	return append(stored, balancingDefaults()...)
}

// A defaultRule is one line of the table. Its grade says where it comes from:
// A read in public interface documents, B recalled from public help, C ours.
type defaultRule struct {
	name      string
	filter    string
	actions   Action
	context   Context
	kind      string
	condition string
	grade     string
}

func (d defaultRule) rule() Rule {
	id := seedID(d.name)
	switch d.name { // known from public sources
	case "CreateApp":
		id = "80c35c31-6764-4dac-be40-3e505206e974"
	case "Stream":
		id = "611d73ca-98ad-4bb8-b6c2-7269f3c460e2"
	}
	return Rule{
		ID: id, SeedID: id, Category: Security, Type: d.kind, Name: d.name, Condition: d.condition,
		Filter: d.filter, Actions: d.actions, Context: d.context,
	}
}

// seedID makes an id of version 5 out of a name. Names must not change.
func seedID(name string) string {
	sum := sha1.Sum([]byte("cognate default rule\x00" + name))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func role(names ...string) string {
	if len(names) == 1 {
		return `user.roles = "` + names[0] + `"`
	}
	return `user.roles = {"` + strings.Join(names, `", "`) + `"}`
}

// sections returns the filter of sections of the console.
func sections(names string) string {
	return "QmcSection_" + strings.Join(strings.Fields(names), ",QmcSection_")
}

const (
	crud  = Create | Read | Update | Delete
	owner = `resource.IsOwned() and resource.owner = user`
	known = `!user.IsAnonymous()`
)

// Owners rule over what is not published. Owner grants no Create: whoever
// creates is the owner, so that everybody could create a stream.
func ownerDefaults() []defaultRule {
	return []defaultRule{
		{"RootAdmin", "*", All, ContextConsole, KindReadOnly, role(RootAdmin), "B"},
		{"ServiceAccount", "*", All, ContextBoth, KindReadOnly, `user.userDirectory = "INTERNAL" and user.userId like "sa_*"`, "B"},
		{"Owner", "*", Read | Update | Delete | Publish | Export | Duplicate | Approve | ChangeOwner, ContextBoth, KindReadOnly, owner +
			` and !(resource.resourcetype = "App" and !resource.stream.Empty()) and !(resource.resourcetype = "App.Object" and resource.published = "true")`, "C"},
		{"OwnerRead", "*", Read, ContextBoth, KindReadOnly, owner, "B"},
		{"OwnerPublishApp", "App_*", Publish, ContextBoth, KindDefault, owner + ` and resource.stream.HasPrivilege("publish")`, "C"},
		{"OwnerUpdateApp", "App_*", Update | Delete | Approve, ContextBoth, KindDefault, owner + ` and resource.stream.HasPrivilege("publish")`, "C"},
		{"OwnerCanEditPrivateObjectsInPublishedApps", "App.Object_*", Update | Delete | Publish, ContextBoth, KindReadOnly, owner + ` and resource.published = "false"`, "C"},
		{"OwnerAnonymousTempContent", "TempContent_*", Read, ContextBoth, KindReadOnly, `user.IsAnonymous() and resource.anonymousOwnerUserId = user.userId`, "B"},
		{"UserReadSelf", "User_*", Read, ContextBoth, KindReadOnly, `resource = user`, "B"},
	}
}

const everyAdminFilter = "User*,CustomProperty*,Tag_*,UserSyncTask_*"

func adminDefaults() []defaultRule {
	const console, d = ContextConsole, KindDefault
	app := Export | Publish | ChangeOwner | Approve | ExportData
	return []defaultRule{
		{"AuditAdmin", "*", Read, console, d, role(AuditAdmin) + ` and !(resource.resourcetype = "TransientObject" and resource.name like "QmcSection_*")`, "A"},
		{"AuditAdminQmcSections", "License_*,TermsAcceptance_*," + sections("AppDistributionStatus CloudDistribution Tag Audit DeploymentSetup EngineHealth"), Read, console, d, role(AuditAdmin), "A"},
		{"ContentAdmin", everyAdminFilter + ",Stream_*,App*,ReloadTask_*,SchemaEvent_*,DataConnection_*,CompositeEvent_*,Extension_*,ContentLibrary_*,FileExtension_*,FileExtensionWhiteList_*,SystemNotification_*", crud | app, console, d, role(ContentAdmin), "B"},
		{"ContentAdminQmcSections", "License_*,TermsAcceptance_*," + sections("Stream App App.Object DataConnection Tag User CustomPropertyDefinition Task Event SchemaEvent CompositeEvent ReloadTask UserSyncTask Extension ContentLibrary Audit"), Read, console, d, role(ContentAdmin), "B"},
		{"ContentAdminRulesAccess", "SystemRule_*", crud, console, d, role(ContentAdmin) + ` and resource.category = "Security" and resource.resourcefilter matches "(DataConnection|ContentLibrary|Stream|App|Extension)_[0-9a-f-]{36}"`, "B"},
		{"ContentAdminContentCacheControl", "ContentCacheControl_*", Read, console, d, role(ContentAdmin, SecurityAdmin), "C"},
		{"DeploymentAdmin", everyAdminFilter + ",ServiceCluster_*,ServerNodeConfiguration_*,Engine*,Proxy*,VirtualProxy*,Repository*,Printing*,Scheduler*,License*,TermsAcceptance_*,ReloadTask_*,SchemaEvent_*,CompositeEvent_*,ServiceStatus_*", crud, console, d, role(DeploymentAdmin), "A"},
		{"DeploymentAdminAppAccess", "App_*", Read | Update | Approve, console, d, role(DeploymentAdmin), "A"},
		{"DeploymentAdminReadAccess", "App.Object_*,ContentLibrary_*", Read, console, d, role(DeploymentAdmin), "C"},
		{"DeploymentAdminQmcSections", "License_*,ServiceStatus_*,LoadbalancingSelectList," + sections("ServerNodeConfiguration EngineService ProxyService VirtualProxyConfig RepositoryService SchedulerService PrintingService License Token Task App User UserDirectory Tag CustomPropertyDefinition LoadBalancing ServiceCluster Certificates Audit"), Read, console, d, role(DeploymentAdmin), "B"},
		{"DeploymentAdminRulesAccess", "SystemRule_*", crud, console, d, role(DeploymentAdmin) + ` and resource.category = {"License", "Sync"}`, "B"},
		{"SecurityAdmin", everyAdminFilter + ",Stream_*,App*,Proxy*,VirtualProxy*,SystemRule_*,DataConnection_*,ContentLibrary_*,AnalyticConnection_*,FileExtension_*,FileExtensionWhiteList_*", crud | app | ChangeRole, console, d, role(SecurityAdmin), "B"},
		{"SecurityAdminQmcSections", "License_*,TermsAcceptance_*,ServiceStatus_*," + sections("Stream App App.Object SystemRule DataConnection Tag User CustomPropertyDefinition ContentLibrary ProxyService VirtualProxyConfig AnalyticConnection Certificates Audit"), Read, console, d, role(SecurityAdmin), "B"},
		{"SecurityAdminServerNodeConfiguration", "ServerNodeConfiguration_*", Read, ContextBoth, d, role(SecurityAdmin), "A"},
		{"HubAdmin", "ReloadTask_*", Create | Read | Update, ContextHub, d, role(HubAdmin) + ` and resource.app.HasPrivilege("update")`, "C"},
		{"HubAdminSchemaEvent", "SchemaEvent_*", Create | Read | Update, ContextHub, d, role(HubAdmin) + ` and resource.reloadTask.app.HasPrivilege("update")`, "C"},
		{"HubSections", "HubSection_*", Read, ContextHub, d, `resource.name != "HubSection_Task"`, "B"},
		{"HubSectionTask", "HubSection_Task", Read, ContextHub, d, role(HubAdmin), "B"},
	}
}

func appDefaults() []defaultRule {
	const both, d, ro = ContextBoth, KindDefault, KindReadOnly
	rules := []defaultRule{
		{"CreateApp", "App_*", Create, ContextHub, d, known, "A"},
		{"CreateAppObjectsPublishedApp", "App.Object_*", Create, both, d, `!resource.App.stream.Empty() and resource.App.HasPrivilege("read") and resource.objectType = {"userstate", "sheet", "story", "bookmark", "snapshot", "embeddedsnapshot", "hiddenbookmark"} and !user.IsAnonymous()`, "A"},
		{"CreateAppObjectsUnPublishedApp", "App.Object_*", Create, both, d, `resource.App.stream.Empty() and resource.App.HasPrivilege("read") and !user.IsAnonymous()`, "B"},
		{"Stream", "App*", Read, both, d, `(resource.resourcetype = "App" and resource.stream.HasPrivilege("read")) or ((resource.resourcetype = "App.Object" and resource.published = "true" and resource.objectType != "app_appscript") and resource.app.stream.HasPrivilege("read"))`, "A"},
		{"StreamEveryone", "Stream_" + EveryoneStreamID, Read | Publish, both, d, known, "A"},
		{"StreamEveryoneAnonymous", "Stream_" + EveryoneStreamID, Read, both, d, `user.IsAnonymous()`, "A"},
		{"StreamMonitoringAppsRead", "Stream_" + MonitoringStreamID, Read, both, d, role(RootAdmin, AuditAdmin, ContentAdmin, DeploymentAdmin, SecurityAdmin), "B"},
		{"StreamMonitoringAppsPublish", "Stream_" + MonitoringStreamID, Read | Publish, both, d, role(RootAdmin, ContentAdmin, SecurityAdmin), "B"},
		{"ExportAppData", "App_*", ExportData, both, d, `resource.HasPrivilege("read") and ` + known, "A"},
		{"OfflineAccess", "App_*", OfflineAccess, both, d, `resource.HasPrivilege("read") and ` + known, "B"},
		{"DuplicateApp", "App_*", Duplicate, ContextHub, d, `resource.HasPrivilege("update") and ` + known, "C"},
	}
	for _, part := range []string{"Content", "DataSegment", "Internal"} {
		rules = append(rules,
			defaultRule{"ReadApp" + part + "s", "App." + part + "_*", Read, both, ro, `resource.App.HasPrivilege("read")`, "B"},
			defaultRule{"UpdateApp" + part + "s", "App." + part + "_*", Create | Update | Delete, both, ro, `resource.App.HasPrivilege("update")`, "B"})
	}
	return rules
}

func contentDefaults() []defaultRule {
	const both, d, ro, files = ContextBoth, KindDefault, KindReadOnly, "StaticContentReference_*"
	return []defaultRule{
		{"ReadAppContentFiles", files, Read, both, ro, `resource.AppContents.App.HasPrivilege("read")`, "B"},
		{"UpdateAppContentFiles", files, crud, both, ro, `resource.AppContents.App.HasPrivilege("update")`, "B"},
		{DefaultLibraryRule, "ContentLibrary_" + DefaultLibraryID(), Read, both, d, `true`, "C"},
		{"Content library content", files, Read, both, ro, `resource.ContentLibrarys.HasPrivilege("read")`, "A"},
		{"Content library manage content", files, crud, both, ro, `resource.ContentLibrarys.HasPrivilege("update")`, "A"},
		{"Extension", "Extension_*", Read, both, d, `true`, "B"},
		{"Extension content", files, Read, both, ro, `resource.Extensions.HasPrivilege("read")`, "B"},
		{"Extension manage content", files, crud, both, ro, `resource.Extensions.HasPrivilege("update")`, "B"},
		{"Shared content see content", files, Read, both, ro, `resource.SharedContents.HasPrivilege("read")`, "B"},
		{"Shared content manage content", files, crud, both, ro, `resource.SharedContents.HasPrivilege("update")`, "B"},
		{"Installed static content", files, Read, both, ro, `resource.StaticContentSecurityType = "Open"`, "B"},
		{"TemporaryContent", "TempContent_*", Create | Read, both, ro, `(` + owner + `) or (user.IsAnonymous() and resource.anonymousOwnerUserId = user.userId)`, "B"},
		{"ReadFileReference", "FileReference_*", Read, both, ro, `resource.Apps.HasPrivilege("read")`, "B"},
		{"ReadFileExtensions", "FileExtension_*", Read, both, d, `true`, "B"},
		{"ReadFileExtensionWhiteLists", "FileExtensionWhiteList_*", Read, both, d, `true`, "B"},
	}
}

func otherDefaults() []defaultRule {
	const both, d, ro = ContextBoth, KindDefault, KindReadOnly
	return []defaultRule{
		{"ReadCustomProperties", "CustomProperty*", Read, both, d, known, "B"},
		{"ReadTags", "Tag_*", Read, both, d, known, "C"},
		{"DataConnection", "DataConnection_*", Create, both, d, `resource.type != "folder" and ` + known, "A"},
		{"FolderDataConnection", "DataConnection_*", Create, both, d, `resource.type = "folder" and ` + role(RootAdmin, ContentAdmin, SecurityAdmin), "A"},
		{"File upload connection object", "DataConnection_" + AttachedFilesID(), Read, both, d, `true`, "B"},
		{"ManageAnalyticConnection", "AnalyticConnection_*", crud, both, d, role(RootAdmin, ContentAdmin, SecurityAdmin), "B"},
		{"ReadAnalyticConnectionEveryone", "AnalyticConnection_*", Read, both, d, `true`, "B"},
		{"CreateOdagLinks", "OdagLink_*", Create, both, d, known, "B"},
		{"ReadOdagLinks", "OdagLink_*", Read, both, d, `resource.templateApp.HasPrivilege("read")`, "B"},
		{"UpdateOdagLinks", "OdagLink_*", Update | Delete, both, d, owner, "B"},
		{"CreateOdagLinkUsage", "OdagLinkUsage_*", Create, both, d, `resource.selectionApp.HasPrivilege("update")`, "B"},
		{"ReadOdagLinkUsage", "OdagLinkUsage_*", Read, both, d, `resource.selectionApp.HasPrivilege("read")`, "B"},
		{"CreateOdagRequest", "OdagRequest_*", Create, both, d, `resource.link.HasPrivilege("read")`, "B"},
		{"ReadOdagRequest", "OdagRequest_*", Read | Update | Delete, both, d, owner, "B"},
		{"ReadOdagService", "OdagService_*", Read, both, ro, `true`, "B"},
		{"AppContentQuotaRead", "AppContentQuota_*", Read, both, ro, `true`, "C"},
		{"CustomBannerMessageRead", "CustomBannerMessage_*", Read, ContextHub, ro, `resource.isActive = "true"`, "C"},
	}
}

func balancingDefaults() []Rule {
	balance := func(name, condition string) Rule {
		id := seedID(name)
		return Rule{ID: id, SeedID: id, Category: LoadBalancing, Type: KindDefault, Name: name, Condition: condition, Filter: "App_*", Actions: Allow}
	}
	return []Rule{
		balance("ResourcesOnCentralNode", `node.isCentral = "true"`),
		balance("ResourcesOnNonCentralNodes", `node.isCentral = "false"`),
	}
}
