# One file a program and shell: bash/trace-agg, zsh/_trace-agg, fish/trace-agg.fish.
dist_bashcompletion_DATA =
dist_zshcompletion_DATA =
dist_fishcompletion_DATA =
