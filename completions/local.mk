# Each program completes from its own list of options, so these are made by running the programs
# (not when they are built for another machine).
EXTRA_DIST += %D%/generate.awk
EXTRA_DIST += %D%/generate.sh

bash_completions =
fish_completions =
zsh_completions =
bash_completions += %D%/bash/trace-record
bash_completions += %D%/bash/trace-span
bash_completions += %D%/bash/trace-agg
bash_completions += %D%/bash/trace-detect
bash_completions += %D%/bash/trace-alert
bash_completions += %D%/bash/trace-report
fish_completions += %D%/fish/trace-record.fish
fish_completions += %D%/fish/trace-span.fish
fish_completions += %D%/fish/trace-agg.fish
fish_completions += %D%/fish/trace-detect.fish
fish_completions += %D%/fish/trace-alert.fish
fish_completions += %D%/fish/trace-report.fish
zsh_completions += %D%/zsh/_trace-record
zsh_completions += %D%/zsh/_trace-span
zsh_completions += %D%/zsh/_trace-agg
zsh_completions += %D%/zsh/_trace-detect
zsh_completions += %D%/zsh/_trace-alert
zsh_completions += %D%/zsh/_trace-report

if !CROSS_COMPILING
nodist_bashcompletion_DATA = $(bash_completions)
nodist_fishcompletion_DATA = $(fish_completions)
nodist_zshcompletion_DATA = $(zsh_completions)
endif
CLEANFILES += $(bash_completions) $(fish_completions) $(zsh_completions) %D%/made

%D%/made: $(bin_PROGRAMS) %D%/generate.awk %D%/generate.sh
	$(AM_V_GEN)$(MKDIR_P) %D%/bash %D%/fish %D%/zsh
	$(AM_V_at)for program in $(bin_PROGRAMS); do \
		name=`basename $$program`; \
		for file in bash/$$name fish/$$name.fish zsh/_$$name; do \
			AWK='$(AWK)' $(SHELL) $(srcdir)/%D%/generate.sh \
				`dirname $$file` $$name ./$$program >%D%/$$file || exit; \
		done; \
	done
	$(AM_V_at)touch $@

$(bash_completions) $(fish_completions) $(zsh_completions): %D%/made
