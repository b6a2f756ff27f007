# One line a program and shell: dist_bashcompletion_DATA += %D%/bash/trace-agg (zsh/_trace-agg,
# fish/trace-agg.fish).
dist_bashcompletion_DATA =
dist_zshcompletion_DATA =
dist_fishcompletion_DATA =
