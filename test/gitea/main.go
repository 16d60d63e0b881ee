// Command gitea is Gitea itself, for the tests of the Gitea adapter: its own command with its own Markdown, and nothing of ours.
package main

import (
	"os"

	"gitea.dev/cmd"
	"gitea.dev/modules/log"
	"gitea.dev/modules/setting"

	_ "gitea.dev/modules/markup/markdown"
)

func main() {
	setting.AppVer = "1.27.3"
	app := cmd.NewMainApp(cmd.AppVersion{Version: setting.AppVer})
	err := cmd.RunMainApp(app, os.Args...)
	log.GetManager().Close()
	if err != nil {
		os.Exit(1)
	}
}
